"""The diagnosis is learned from recordings and simulated machines, the same way every time."""

from pathlib import Path

import numpy as np
import pytest

import edge_agent.core.learned_diagnosis as shipped_module
from edge_agent.core.diagnosis import Verdict
from edge_agent.core.judgement import CANDIDATES, CLUES
from edge_agent.core.learned_diagnosis import SHIPPED
from edge_agent.core.spectra import diagnose
from quantize.diagnosis_data import cwru
from quantize.simulate_bearing import simulate_block
from quantize.train_diagnosis import _module, examples_of, learn, real_cases, simulated_cases


@pytest.mark.parametrize("truth", CANDIDATES)
def test_a_seed_repeats_a_simulated_machine(truth):
    one, other = (simulate_block(np.random.default_rng(3), truth) for _ in range(2))
    np.testing.assert_array_equal(one.samples, other.samples)
    assert one.machine == other.machine
    assert np.isfinite(one.samples).all()
    assert one.samples.size / one.rate_hz * one.machine.speed_rpm / 60 > 7


def test_most_simulated_machines_are_judged_right():
    rng = np.random.default_rng(11)
    right = 0
    for truth in CANDIDATES:
        for _ in range(10):
            block = simulate_block(rng, truth)
            right += diagnose(block.samples, block.rate_hz, block.machine).verdict is truth
    assert right >= 42


def test_no_simulated_machine_in_health_is_called_damaged_for_sure():
    rng = np.random.default_rng(12)
    for _ in range(30):
        block = simulate_block(rng, Verdict.HEALTHY)
        said = diagnose(block.samples, block.rate_hz, block.machine)
        assert said.verdict in (Verdict.HEALTHY, Verdict.UNKNOWN) or said.confidence < 0.6


def test_what_ships_is_written_as_the_recipe_writes_it():
    assert Path(shipped_module.__file__).read_text() == _module(SHIPPED)
    assert len(SHIPPED.weights) == len(CLUES)


def test_a_load_that_was_held_back_is_judged_right(shared_data):
    recordings = cwru(shared_data)
    learned = learn(
        real_cases([r for r in recordings if r.load != "2hp"]), simulated_cases(20, seed=0)
    )
    held = [r for r in recordings if r.load == "2hp"]
    said = [
        diagnose(block, r.rate_hz, r.machine, learned).verdict is r.truth
        for r in held
        for block in r.blocks(0.5)[::4]
    ]
    assert np.mean(said) >= 0.95


def test_faults_that_name_themselves_and_health_are_no_examples(shared_data):
    cases = real_cases([r for r in cwru(shared_data) if r.load == "0hp"])
    known = {example.verdict for example in examples_of(cases)}
    assert known == {Verdict.BALL, Verdict.OUTER_RACE}
