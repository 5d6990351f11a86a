"""What the demo prints, as text: nothing in here writes to a terminal."""

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from edge_agent.demo.episodes import Episode
from edge_agent.demo.verdict import Alert, Outcome

_WIDTH = 100
_INDENT = " " * 10
_LEAST_SHARE = 0.01  # of a score; what contributes less tells nobody anything


def header(broker: str, url: str, story: Iterable[Episode], commissioning_s: str) -> str:
    """Return what the viewer should know before anything happens."""
    faults = ", ".join(f"{episode.fault} on {episode.asset}" for episode in story)
    return "\n".join(
        [
            f"edge-agent demo: simulated plant -> {broker} at {url} -> edge-agent -> alerts",
            *textwrap.wrap(f"faults to come: {faults}", _WIDTH),
            f"first the agent learns for {commissioning_s} s what is normal; Ctrl-C stops",
        ]
    )


def news(at_s: float, text: str) -> str:
    """Return one line about the plant itself, which the agent is not told."""
    return f"--- {at_s:5.1f} s  {text}"


def alert_text(alert: Alert, at_s: float) -> str:
    """Return an alert as a block of lines.

    Args:
        alert: As published.
        at_s: When it arrived, in seconds since the plant started.

    Returns:
        The facts in one line, then the summary and, while the alarm stands, its evidence in one
        line and the response.  Unprintable characters are replaced: some of this text comes from a
        machine's log and must not reach the terminal as commands.
    """
    clock = alert.changed_at[11:19]
    facts = f"{alert.priority.upper():<8}  {alert.asset:<11} {alert.alarm:<11} {_word(alert)}"
    lines = [f"{clock}  {facts}  (+{at_s:.1f} s)", *_paragraph("", alert.summary)]
    if not alert.active:
        return _printable(lines)
    if alert.evidence:
        seen = "; ".join(_evidence(item) for item in alert.evidence)
        lines.append(_INDENT + textwrap.shorten(f"evidence: {seen}", _WIDTH, placeholder=" ..."))
    lines += _paragraph("response: ", alert.response)
    return _printable(lines)


def table(outcomes: Iterable[Outcome], others: int) -> str:
    """Return the closing table, a row for each injected fault, times in seconds of the plant."""
    rows = [_row("fault", "asset", "alarm", "injected", "raised", "repaired", "cleared", "verdict")]
    for outcome in outcomes:
        episode = outcome.episode
        times = (episode.injected_s, outcome.raised_s, episode.repaired_s, outcome.cleared_s)
        names = (episode.fault, episode.asset, episode.category)
        rows.append(_row(*names, *map(_time, times), _verdict(outcome)))
    rows.append(f"alarms that belong to no injected fault: {others}")
    return "\n".join(rows)


def _row(fault: str, asset: str, alarm: str, *cells: str) -> str:
    *times, verdict = cells
    columns = "".join(f"{time:>10}" for time in times)
    return f"{fault:<20}{asset:<12}{alarm:<11}{columns}  {verdict}"


def _word(alert: Alert) -> str:
    if not alert.active:
        return "CLEARED"
    return "RAISED" if alert.changed_at == alert.raised_at else "UPDATED"


def _evidence(item: Mapping[str, Any]) -> str:
    if item["kind"] == "log":
        return f'log "{item.get("template")}" ({item["score"]:.2f})'
    parts: Mapping[str, float] = item["contributions"]
    total = sum(parts.values())
    telling = [name for name in parts if parts[name] >= _LEAST_SHARE * total > 0]
    leading = sorted(telling, key=lambda name: parts[name], reverse=True)[:2]
    shares = ", ".join(f"{name} {parts[name] / total:.0%}" for name in leading)
    text = f"{item['kind']} {item.get('channel')} {item['score']:.3g} over {item['threshold']:.3g}"
    return f"{text} ({shares})" if shares else text


def _verdict(outcome: Outcome) -> str:
    if outcome.raised_s is None:
        return "NOT RAISED"
    return "found" if outcome.cleared_s is not None else "NOT CLEARED"


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f}"


def _paragraph(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        label + text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT + " " * len(label)
    )


def _printable(lines: Iterable[str]) -> str:
    return "\n".join(
        "".join(character if character.isprintable() else "?" for character in line)
        for line in lines
    )
