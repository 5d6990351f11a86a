"""How often the diagnosis names the fault of real bearings: the tables behind its claims.

What was learned is only shown on what it was not learned from: a load or a size of defect is held
back, weights and examples are made without it, and its recordings are judged.  The other sensor of
that rig, another rig (MFPT) and other simulated machines are judged with what ships.  A window is
right when the verdict is the seeded fault's; "unknown" counts as wrong.

Looked at while the method was chosen: every table but those of MFPT with its speed and of 2 s.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from edge_agent.core.diagnosis import Diagnosis, Machine, Verdict
from edge_agent.core.judgement import CANDIDATES, Knowledge
from edge_agent.core.learned_diagnosis import SHIPPED
from edge_agent.core.spectra import diagnose
from quantize.diagnosis_data import FAN_END, Recording, cwru, femto, mfpt
from quantize.errors import QuantizeError
from quantize.simulate_bearing import simulate_block
from quantize.train_diagnosis import (
    SIMULATED_EACH,
    Case,
    healths_of,
    learn,
    real_cases,
    simulated_cases,
)

_BLOCK_S = 0.5
_LONGER_S = (1.0, 2.0)
_TRAIN_SEED, _TEST_SEED = 0, 1
_SIMULATED_EACH = 100
_BINS = (0.0, 0.5, 0.7, 0.9, 0.97, 1.0 + 1e-9)
_SPEED_ERROR = 1.01
_SNAPSHOT_S = 0.1


@dataclass(frozen=True, slots=True)
class Judged:
    """One window: what it is counted under, what is wrong, what was said."""

    group: str
    truth: Verdict
    diagnosis: Diagnosis

    @property
    def right(self) -> bool:
        """Whether the verdict is the truth."""
        return self.diagnosis.verdict is self.truth


def evaluate(data: Path) -> None:
    """Print every table.

    Args:
        data: The folder that holds ``sensors/cwru``, ``sensors/mfpt`` and ``sensors/femto``.

    Raises:
        QuantizeError: The first two are not there.
    """
    drive_end, other_rig = cwru(data), mfpt(data)
    if not (drive_end and other_rig):
        raise QuantizeError(f"no recordings in {data}/sensors/cwru or {data}/sensors/mfpt")
    far_end = cwru(data, FAN_END)
    cases = real_cases(drive_end), simulated_cases(SIMULATED_EACH, _TRAIN_SEED)
    held = _held_back("load", drive_end, cases, lambda recording: recording.load)
    held += _held_back("size of defect", drive_end, cases, lambda recording: recording.size)
    _second_half_of_health([*drive_end, *far_end], cases)
    _print_rig_held_back(drive_end, far_end, cases[1])
    _print("what ships, on the recordings it was learned from", _judged(drive_end))
    for seconds in _LONGER_S:
        title = f"what ships, on the recordings it was learned from, windows of {seconds:g} s"
        _print(title, _judged(drive_end, seconds))
    _print("speed estimated", _judged(drive_end, known=lambda m: Machine(None, m.bearing)))
    _print("speed 1 % wrong", _judged(drive_end, known=_of_plate))
    near = learn(*cases)
    _print(
        "the other sensor of that rig: nothing of it was learned", _judged(far_end, knowledge=near)
    )
    _print("the other sensor of that rig: its health alone was learned", _judged(far_end))
    for title, known in (("", None), (", speed estimated", _without_speed)):
        _print(f"another rig, MFPT{title}", _judged(other_rig, known=known))
    simulated = _simulated()
    _print("simulated machines: none of them was learned", simulated)
    _print_false_alarms([*_judged(drive_end), *_judged(far_end), *simulated])
    for title, judged in (
        ("held back", held),
        ("MFPT", _judged(other_rig)),
        ("simulated", simulated),
    ):
        _print_confidence(title, judged)
    _print_femto(data)


def _held_back(
    what: str,
    recordings: Sequence[Recording],
    cases: tuple[Sequence[Case], Sequence[Case]],
    key: Callable[[Recording], str],
) -> list[Judged]:
    """Judge each group of recordings with what is learned from the others; print and return it.

    There is one recording of health: it is learned in every case, and not judged here.
    """
    real, simulated = cases
    judged = []
    for value in sorted({key(r) for r in recordings if r.truth is not Verdict.HEALTHY}):
        known = [
            case
            for case in real
            if case.recording is not None
            and (case.truth is Verdict.HEALTHY or key(case.recording) != value)
        ]
        learned = learn(known, simulated)
        held = [r for r in recordings if r.truth is not Verdict.HEALTHY and key(r) == value]
        judged += _judged(held, knowledge=learned)
    _print(f"{what} held back", judged)
    return judged


def _second_half_of_health(
    recordings: Sequence[Recording], cases: tuple[Sequence[Case], Sequence[Case]]
) -> None:
    """Judge the later half of each healthy recording with what is learned without it."""
    healthy = [r for r in recordings if r.truth is Verdict.HEALTHY]
    early = [replace(r, samples=r.samples[: r.samples.size // 2]) for r in healthy]
    late = [replace(r, samples=r.samples[r.samples.size // 2 :]) for r in healthy]
    first = real_cases(early)
    near = [c for c in first if c.recording is not None and FAN_END not in c.recording.name]
    damaged = [case for case in cases[0] if case.truth is not Verdict.HEALTHY]
    learned = replace(learn([*damaged, *near], cases[1]), healths=healths_of(first))
    _print("second half of health held back", _judged(late, knowledge=learned))


def _print_rig_held_back(
    near: Sequence[Recording], far: Sequence[Recording], simulated: Sequence[Case]
) -> None:
    """Judge the Case Western rig with what simulated machines alone have taught."""
    learned = learn((), simulated)
    _print("the whole rig held back, drive end", _judged(near, knowledge=learned))
    _print("the whole rig held back, fan end", _judged(far, knowledge=learned))


def _judged(
    recordings: Iterable[Recording],
    seconds: float = _BLOCK_S,
    knowledge: Knowledge = SHIPPED,
    known: Callable[[Machine], Machine] | None = None,
) -> list[Judged]:
    judged = []
    for recording in recordings:
        machine = recording.machine if known is None else known(recording.machine)
        for block in recording.blocks(seconds):
            said = diagnose(block, recording.rate_hz, machine, knowledge)
            judged.append(Judged(recording.group, recording.truth, said))
    return judged


def _simulated() -> list[Judged]:
    rng = np.random.default_rng(_TEST_SEED)
    judged = []
    for truth in CANDIDATES:
        for _ in range(_SIMULATED_EACH):
            block = simulate_block(rng, truth)
            said = diagnose(block.samples, block.rate_hz, block.machine)
            judged.append(Judged(f"simulated {truth}", truth, said))
    return judged


def _without_speed(machine: Machine) -> Machine:
    return Machine(None, machine.bearing)


def _of_plate(machine: Machine) -> Machine:
    assert machine.speed_rpm is not None  # noqa: S101  (all recordings have one)
    return Machine(_SPEED_ERROR * machine.speed_rpm, machine.bearing)


def _print(title: str, judged: Sequence[Judged]) -> None:
    """Print the verdicts per group and per fault, and the share that is right."""
    print(f"\n{title}\n{'':26}{'right':>7}{'windows':>9}  verdicts")
    faults = {verdict for verdict in CANDIDATES if any(one.truth is verdict for one in judged)}
    groups = [(g, [o for o in judged if o.group == g]) for g in sorted({o.group for o in judged})]
    groups += [(f"all {f}", [o for o in judged if o.truth is f]) for f in sorted(faults)]
    for name, members in [*groups, ("all", list(judged))]:
        said = Counter(one.diagnosis.verdict for one in members).most_common()
        named = ", ".join(f"{verdict} {count}" for verdict, count in said)
        print(f"{name:26}{_percent(members):>7}{len(members):>9}  {named}")


def _print_false_alarms(judged: Sequence[Judged]) -> None:
    print(f"\nhealthy windows{'':11}{'named':>7}{'unknown':>9}{'windows':>9}")
    healthy = [one for one in judged if one.truth is Verdict.HEALTHY]
    for group in sorted({one.group for one in healthy}):
        said = Counter(one.diagnosis.verdict for one in healthy if one.group == group)
        quiet = said[Verdict.HEALTHY] + said[Verdict.UNKNOWN]
        named = said.total() - quiet
        print(f"{group:26}{named:>7}{said[Verdict.UNKNOWN]:>9}{said.total():>9}")


def _print_confidence(title: str, judged: Sequence[Judged]) -> None:
    """Print how often a confidence keeps its promise; "unknown" claims nothing."""
    print(f"\n{f'confidence, {title}':26}{'stated':>7}{'right':>9}{'windows':>9}")
    claims = [one for one in judged if one.diagnosis.verdict is not Verdict.UNKNOWN]
    for low, high in pairwise(_BINS):
        members = [one for one in claims if low <= one.diagnosis.confidence < high]
        if members:
            stated = np.mean([one.diagnosis.confidence for one in members])
            name = f"{low:.2f} to {min(high, 1.0):.2f}"
            print(f"{name:26}{stated:>7.2f}{_percent(members):>9}{len(members):>9}")


def _print_femto(data: Path) -> None:
    """Print what is said of FEMTO's snapshots; their 0.1 s hold three turns of the shaft."""
    for recording in femto(data):
        judged = _judged([recording], _SNAPSHOT_S)
        said = Counter(str(one.diagnosis.verdict) for one in judged)
        print(f"\nFEMTO {recording.name}: {dict(said)}, such as: {judged[0].diagnosis.reason}")


def _percent(judged: Sequence[Judged]) -> str:
    return f"{100 * np.mean([one.right for one in judged]):.1f}%" if judged else "-"
