import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the workshop's extra [quantize] is not installed")

from quantize.log_data import Message
from quantize.log_figures import Verdict, confusion, novelty_auroc, table_by_system


def message(category, severity="error", system="s"):
    return Message("text", category, severity, system, "MIT")


def cells(table, name):
    """Return the cells of the row called ``name``."""
    row = next(line for line in table.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in row.strip("|").split("|")][1:]


def test_a_confusion_matrix_counts_claims_in_the_row_of_the_truth():
    truth = [message("thermal")] * 3 + [message("normal", "info")]
    claims = ["thermal", "thermal", "sensor", "thermal"]
    table = confusion(truth, [Verdict(claim, "error") for claim in claims])
    header = cells(table, "truth")
    assert dict(zip(header, cells(table, "thermal"), strict=True)) == {
        **dict.fromkeys(header, "·"),
        "ther": "2",
        "sens": "1",
        "all": "3",
        "found": "67%",
    }
    assert cells(table, "normal")[header.index("ther")] == "1"
    assert cells(table, "normal")[-1] == "0%"


def test_a_confusion_matrix_keeps_the_row_of_a_category_that_does_not_occur():
    table = confusion([message("thermal")], [Verdict("thermal", "error")])
    assert len(table.splitlines()) == 12
    assert cells(table, "safety") == ["·"] * 10 + ["0", "-"]


def test_figures_by_system_judge_each_system_on_its_own_messages():
    truth = [message("thermal", system="good"), message("thermal", system="bad")]
    verdicts = [Verdict("thermal", "error"), Verdict("normal", "info")]
    table = table_by_system(truth, lambda _: verdicts)
    assert cells(table, "good")[:2] == ["1", "1.000"]
    assert cells(table, "bad")[:2] == ["1", "0.000"]


@pytest.mark.parametrize(
    ("familiar", "strange", "area"),
    [
        ([5, 6, 7], [1, 2], 1.0),
        ([1, 2], [5, 6, 7], 0.0),
        ([3, 3], [3], 0.5),
        ([1, 2, 3, 4], [2.5], 0.5),
        ([1, 3], [1, 2], 0.625),
    ],
)
def test_the_novelty_auroc_is_the_chance_that_a_strange_line_scores_lower(familiar, strange, area):
    assert novelty_auroc(np.array(familiar), np.array(strange)) == pytest.approx(area)


def test_the_novelty_auroc_does_not_mind_the_scale():
    rng = np.random.default_rng(0)
    familiar, strange = rng.normal(1, 1, 200), rng.normal(0, 1, 300)
    before = novelty_auroc(familiar, strange)
    assert 0.7 < before < 0.82
    assert novelty_auroc(np.exp(familiar), np.exp(strange)) == pytest.approx(before)


def test_nothing_to_compare_is_our_bug():
    with pytest.raises(ValueError, match="familiar and strange"):
        novelty_auroc(np.array([1.0]), np.array([]))
