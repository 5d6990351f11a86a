"""How often the watch over line rates speaks up: bursts and silences a stream, without any model.

Every ``*.log`` below the folder is heard line by line at its own times, and the demo plant's log
for an hour at which nothing goes wrong.  Prints a row a stream: what was found in how many days,
and what one line costs.  loghub's streams are samples of what happened, attacks and crashes
included, so what is found there need not be a false alarm; ``--list`` shows each.

    python benchmarks/log_rates.py --data DIR [--list]
"""

import argparse
import re
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from edge_agent.core.dialects.plain_log import time_in
from edge_agent.core.lograte import LineRates, Unusual
from edge_agent.core.logtext import mask
from edge_agent.core.records import NS_PER_S
from edge_agent.core.site import Caps
from edge_agent.demo.plant import TICKS_PER_S, Plant

_DAY_NS = 86_400 * NS_PER_S
_DEMO_S = 3600
_RECEIVED_NS = 2_000_000_000 * NS_PER_S  # after all of them

# Times that the agent takes for no time, because a PLC does not write them so; the first is a year
# where there is none.
_OTHERS = (
    (re.compile(r"(\d{6} \d{6}) \d+ "), "", "%y%m%d %H%M%S"),
    (re.compile(r"(\d\d/\d\d/\d\d \d\d:\d\d:\d\d) "), "", "%y/%m/%d %H:%M:%S"),
    (re.compile(r"(\d{8}-\d{1,2}:\d{1,2}:\d{1,2}):\d+\|"), "", "%Y%m%d-%H:%M:%S"),
    (re.compile(r"\[(\d\d\.\d\d \d\d:\d\d:\d\d)\] "), "2016.", "%Y.%m.%d %H:%M:%S"),
)
_CLUSTER = re.compile(r"\d+ \S+ \S+ \S+ (\d{10}) ")

Line = tuple[int, str]  # event time, template


def main() -> None:
    """Hear all streams and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    streams = {file.stem: list(_timed(file)) for file in sorted(arguments.data.rglob("*.log"))}
    streams |= {f"demo, {name}": lines for name, lines in _demo().items()}
    print("| stream | lines | days | templates held | bursts | silences | µs a line |")
    print("|---|---|---|---|---|---|---|")
    for name, lines in streams.items():
        rates, began_s = LineRates(Caps().rate_templates), time.process_time()
        found = list(_found(rates, lines))
        cost_us = 1e6 * (time.process_time() - began_s) / len(lines)
        days = (max(lines)[0] - min(lines)[0]) / _DAY_NS
        silences = sum(not unusual.rate.lines for unusual in found)
        cells = (rates.templates, len(found) - silences, silences, f"{cost_us:.1f}")
        print(f"| {name} | {len(lines)} | {days:.2f} | {' | '.join(map(str, cells))} |")
        for unusual in found if arguments.list else ():
            print(f"    {_told(unusual)}")


def _found(rates: LineRates, lines: Iterable[Line]) -> Iterator[Unusual]:
    for at_ns, template in lines:
        yield from rates.overdue(at_ns)
        burst = rates.hear(template, at_ns, at_ns)
        if burst is not None:
            yield burst


def _told(unusual: Unusual) -> str:
    at = datetime.fromtimestamp(unusual.end_ns // NS_PER_S, UTC).isoformat(" ")
    rate = unusual.rate
    what = f"{rate.lines} lines in a minute" if rate.lines else f"none for {unusual.limit:.0f} s"
    usual = f"expected {rate.expected:.3g}, one in {rate.interval_s:.3g} s"
    return f"{at} {what}, {usual}: {unusual.template}"


def _timed(file: Path) -> Iterator[Line]:
    """Yield the lines with their times; one without has that of the line before."""
    at_ns = 0
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        at_ns = _time(line) or at_ns
        yield at_ns, mask(line)[0]


def _time(line: str) -> int | None:
    if cluster := _CLUSTER.match(line):
        return int(cluster[1]) * NS_PER_S
    for pattern, year, form in _OTHERS:
        if found := pattern.match(line):
            moment = datetime.strptime(year + found[1], form).replace(tzinfo=UTC)
            return int(moment.timestamp()) * NS_PER_S
    stamp = time_in(line, _RECEIVED_NS)
    return None if stamp is None else stamp.at_ns


def _demo() -> dict[str, list[Line]]:
    plant = Plant(epoch_ns=1_714_564_800 * NS_PER_S, story=())
    lines: dict[str, list[Line]] = {}
    for tick in range(0, _DEMO_S * TICKS_PER_S, TICKS_PER_S):
        for publication in plant.publications(tick):
            if publication.topic.endswith("/log"):
                _, _, asset, _ = publication.topic.split("/")
                at_ns = plant.epoch_ns + tick * NS_PER_S // TICKS_PER_S
                text = publication.payload.decode()
                lines.setdefault(asset, []).append((at_ns, mask(text)[0]))
    return lines


if __name__ == "__main__":
    main()
