"""How the weights of the clues are fitted, and the examples chosen, that the diagnosis ships with.

Learned from the Case Western recordings and from simulated machines; within either set all
verdicts weigh the same.  What the examples say is weighed by how well those of
*other* loads and *other* sizes of defect say it: a block never meets an example of its own
recording, or it would trust examples more than they deserve.  Of the far sensor only its noise in
health is learned.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from edge_agent.core.diagnosis import Diagnosis, Verdict
from edge_agent.core.examination import PART_OF, Examination, examine
from edge_agent.core.health_reference import HealthReference, reference_of
from edge_agent.core.judgement import CANDIDATES, CLUES, Knowledge, rows
from edge_agent.core.likeness import Example
from quantize.diagnosis_data import FAN_END, Recording, cwru
from quantize.errors import QuantizeError
from quantize.simulate_bearing import simulate_block

SIMULATED = (*CANDIDATES,)
SIMULATED_EACH = 300
_BLOCK_S = (0.5, 1.0)
_PLAIN_DB = 3.0  # above chance: such lines need no example
_RIDGE = 5e-3
_OVERLAP_HEALTHY = 0.75  # little was recorded in health
_REAL_SHARE = 0.7
_LINE = 100  # of the written module
_NEVER_NEGATIVE = ("family just above", "family well above", "family below chance", "likeness")

_MODULE = '''"""What examples have taught the diagnosis; written by ``quantize train-diagnosis``."""

from edge_agent.core.diagnosis import Verdict
from edge_agent.core.health_reference import HealthReference
from edge_agent.core.judgement import Knowledge
from edge_agent.core.likeness import Example

SHIPPED = Knowledge(
    weights=(
{weights}    ),
    examples=(
{examples}    ),
    healths=(
{healths}    ),
)
'''


@dataclass(frozen=True, slots=True)
class Case:
    """One examined block with the truth; simulated ones have no recording."""

    found: Examination
    truth: Verdict
    recording: Recording | None = None


def real_cases(recordings: Sequence[Recording]) -> list[Case]:
    """Return the blocks of recordings, examined."""
    cases = []
    for recording in recordings:
        overlap = _OVERLAP_HEALTHY if recording.truth is Verdict.HEALTHY else 0.0
        for seconds in _BLOCK_S:
            for block in recording.blocks(seconds, overlap):
                found = examine(block, recording.rate_hz, recording.machine)
                if not isinstance(found, Diagnosis):
                    cases.append(Case(found, recording.truth, recording))
    return cases


def simulated_cases(each: int, seed: int) -> list[Case]:
    """Return examined blocks of simulated machines, ``each`` for every verdict."""
    rng = np.random.default_rng(seed)
    cases = []
    for truth in SIMULATED:
        for _ in range(each):
            block = simulate_block(rng, truth)
            found = examine(block.samples, block.rate_hz, block.machine)
            if not isinstance(found, Diagnosis):
                cases.append(Case(found, truth))
    return cases


def examples_of(cases: Sequence[Case]) -> tuple[Example, ...]:
    """Return the mean signature of each fault and size that does not name itself by its lines."""
    groups: dict[tuple[Verdict, str], list[Examination]] = {}
    for case in cases:
        if case.recording is not None:
            groups.setdefault((case.truth, case.recording.size), []).append(case.found)
    examples = []
    for (verdict, _), group in sorted(groups.items()):
        signatures = [found.signature for found in group if found.signature is not None]
        if signatures and not _names_itself(verdict, group):
            mean = np.mean(np.array(signatures), axis=0)
            examples.append(Example(verdict, tuple(mean.round(2).tolist())))
    return tuple(examples)


def healths_of(cases: Sequence[Case]) -> tuple[HealthReference, ...]:
    """Return how each recorded machine sounds in health, at each sensor and rate."""
    groups: dict[str, list[Examination]] = {}
    for case in cases:
        if case.recording is not None and case.truth is Verdict.HEALTHY:
            groups.setdefault(case.recording.name, []).append(case.found)
    return tuple(reference_of([f.levels for f in group]) for _, group in sorted(groups.items()))


def _names_itself(verdict: Verdict, group: Sequence[Examination]) -> bool:
    """Return whether the lines of the damaged part stand out in the typical block.

    Health needs no example: it is told by what is absent.
    """
    if verdict not in PART_OF:
        return True
    surplus = [f.evidence.surplus_db(PART_OF[verdict]) for f in group if f.evidence is not None]
    return float(np.median(surplus)) >= _PLAIN_DB


def learn(real: Sequence[Case], simulated: Sequence[Case]) -> Knowledge:
    """Fit the weights to cases whose examples are never of their own recording."""
    tables: list[NDArray[np.float64]] = []
    truths: list[int] = []
    shares: list[float] = []
    real_shares, simulated_shares = _shares(real), _shares(simulated)
    for held in (_load_of, _size_of):
        for key in sorted({held(case) for case in real}):
            examples = examples_of([case for case in real if held(case) != key])
            for case in real:
                if held(case) == key:
                    _take(case, examples, tables, truths)
                    shares.append(_REAL_SHARE * real_shares[case.truth])
    every = examples_of(real)
    for case in simulated:
        _take(case, every, tables, truths)
        shares.append((1 - _REAL_SHARE) * simulated_shares[case.truth])
    weights = _fit(np.array(tables), np.array(truths), np.array(shares))
    return Knowledge(tuple(weights.round(3).tolist()), every, healths_of(real))


def train(data: Path, out: Path, *, seed: int = 0) -> None:
    """Write the module of the weights and examples to ``out``.

    Raises:
        QuantizeError: The recordings are not there.
    """
    recordings = cwru(data)
    if not recordings:
        raise QuantizeError(f"no recordings in {data}/sensors/cwru")
    far = [r for r in cwru(data, FAN_END) if r.truth is Verdict.HEALTHY]
    cases = real_cases(recordings)
    learned = learn(cases, simulated_cases(SIMULATED_EACH, seed))
    learned = replace(learned, healths=healths_of([*cases, *real_cases(far)]))
    out.write_text(_module(learned), encoding="utf-8")
    for name, weight in zip(CLUES, learned.weights, strict=True):
        print(f"{name:24}{weight:8.3f}")


def _load_of(case: Case) -> str:
    """Return the load; in health, whichever half it was recorded in: there is only one load."""
    assert case.recording is not None  # noqa: S101  (of real ones only)
    return case.recording.name if case.truth is Verdict.HEALTHY else case.recording.load


def _size_of(case: Case) -> str:
    assert case.recording is not None  # noqa: S101
    return case.recording.name if case.truth is Verdict.HEALTHY else case.recording.size


def _take(
    case: Case,
    examples: Sequence[Example],
    tables: list[NDArray[np.float64]],
    truths: list[int],
) -> None:
    clues = case.found.clues(examples)
    assert clues is not None  # noqa: S101  (speed and bearing are given)
    tables.append(rows(clues))
    truths.append(CANDIDATES.index(case.truth))


def _shares(cases: Sequence[Case]) -> dict[Verdict, float]:
    """Return how much one case of each verdict counts, so that all verdicts weigh the same."""
    return {truth: 1.0 / count for truth, count in Counter(case.truth for case in cases).items()}


def _fit(
    tables: NDArray[np.float64], truths: NDArray[np.int64], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the weights of greatest likelihood, shape ``(clues,)``, a little shrunk.

    Args:
        tables: Shape ``(cases, candidates, clues)``.
        truths: Shape ``(cases,)``: places of candidates.
        shares: Shape ``(cases,)``: how much each case counts.
    """
    shares = shares / shares.sum()
    every = np.arange(truths.size)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = tables @ weights
        scores -= scores.max(axis=1, keepdims=True)
        chances = np.exp(scores)
        chances /= chances.sum(axis=1, keepdims=True)
        value = -float(shares @ np.log(chances[every, truths] + 1e-12))
        chances[every, truths] -= 1.0
        slope = np.einsum("n,nk,nkd->d", shares, chances, tables)
        return value + _RIDGE * float(weights @ weights), slope + 2 * _RIDGE * weights

    bounds = [(0.0 if name in _NEVER_NEGATIVE else None, None) for name in CLUES]
    start = np.zeros(len(CLUES))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x)


def _module(learned: Knowledge) -> str:
    weights = "".join(
        f"        {weight:.3f},  # {name}\n"
        for name, weight in zip(CLUES, learned.weights, strict=True)
    )
    examples = "".join(
        f"        Example(\n            Verdict.{known.verdict.name},\n"
        f"            {known.signature},\n        ),\n"
        for known in learned.examples
    )
    healths = "".join(
        f"        HealthReference(\n            {known.width_hz},\n"
        f"{_column(known.least_db)}{_column(known.most_db)}        ),\n"
        for known in learned.healths
    )
    return _MODULE.format(weights=weights, examples=examples, healths=healths)


def _column(levels_db: Sequence[float]) -> str:
    """Return a tuple as an argument on a line of its own, or one value a line where it is long."""
    line = f"            {tuple(levels_db)},\n"
    if len(line) <= _LINE:
        return line
    values = "".join(f"                {level_db},\n" for level_db in levels_db)
    return f"            (\n{values}            ),\n"
