"""What measures faulty sensors and prognoses measures what it says."""

import numpy as np
import pytest

from quantize.cli import main
from quantize.evaluate_prognosis import Tally
from quantize.inject_faults import FAULTS, injected


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_changes_one_channel_from_its_row_on(fault):
    rng = np.random.default_rng(0)
    table = rng.normal(60, 2, (200, 3))
    shown = injected(table, 1, 100, fault, rng)
    np.testing.assert_array_equal(shown[:100], table[:100])
    np.testing.assert_array_equal(shown[:, [0, 2]], table[:, [0, 2]])
    assert not np.array_equal(shown[100:, 1], table[100:, 1])


def test_a_prognosis_that_comes_true_is_counted_as_held():
    tally = Tally()
    rise = np.maximum(0.0, np.arange(400) - 150.0)
    noise = np.random.default_rng(0).normal(0, 0.05, 400)
    tally.take(1 + 0.01 * rise + noise, 3.0)
    assert tally.told == tally.held > 0
    assert (tally.sooner, tally.later) == (0, 0)


def test_a_prognosis_of_what_never_comes_is_counted_as_early():
    tally = Tally()
    rise = np.maximum(0.0, np.arange(400) - 150.0).clip(max=190)
    tally.take(1 + 0.01 * rise, 3.0)
    assert tally.told == tally.later > 0
    assert tally.held == 0


@pytest.mark.parametrize("command", ["evaluate-sensor-faults", "evaluate-prognosis"])
def test_without_recordings_it_says_so(command, tmp_path, capsys):
    assert main([command, "--data", str(tmp_path)]) == 1
    assert "no recordings in" in capsys.readouterr().err
