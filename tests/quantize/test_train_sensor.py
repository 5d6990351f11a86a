"""The recipe of the sensor package: what it simulates and learns, and from what it may learn."""

from pathlib import Path

import numpy as np
import pytest
import torch

import edge_agent
from edge_agent.io.model_package import load_package
from edge_agent.io.runtime import OnnxSensorModel
from quantize import train_sensor
from quantize.evaluate_sensor import Confusion, forecast_table, nab_table, skab_table
from quantize.networks import ForecastLSTM
from quantize.sensor_series import held_out_series, nab, skab, training_series
from quantize.simulate_series import simulate

SHIPPED = Path(edge_agent.__file__).parent / "models" / "sensor-lstm"


@pytest.fixture(scope="module")
def shipped():
    return OnnxSensorModel(load_package(SHIPPED))


@pytest.fixture(scope="module")
def sensors(shared_data):
    return shared_data / "sensors"


def test_the_same_seed_simulates_the_same_plants_and_another_seed_others():
    first, again = (simulate(np.random.default_rng(0), 8, 200) for _ in range(2))
    other = simulate(np.random.default_rng(1), 8, 200)
    assert np.array_equal(first, again, equal_nan=True)
    assert not np.array_equal(first, other, equal_nan=True)


def test_simulated_series_are_finite_where_they_are_observed_and_hardly_ever_constant():
    values = simulate(np.random.default_rng(0), 200, 300)
    assert values.shape == (200, 300)
    assert not np.isinf(values).any()
    assert 0.01 < np.isnan(values).mean() < 0.3
    assert (np.nanstd(values, axis=1) > 0).mean() > 0.95


def test_features_are_clipped_and_missing_steps_are_zero_and_marked():
    z = torch.tensor([[0.5, float("nan"), 100.0]])
    found = train_sensor.features(z)
    clip = train_sensor.CLIP
    assert found.tolist() == [[[0.5, 1.0], [0.0, 0.0], [clip, 1.0]]]


def test_missing_steps_leave_the_loss_and_its_gradient_finite():
    network = ForecastLSTM(train_sensor.FEATURES, 4)
    z = torch.randn(8, train_sensor.STEPS + 1)
    z[:, ::3] = float("nan")
    loss = train_sensor.surprise(network, z, z)
    loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())


def test_the_loss_is_lower_for_a_network_that_forecasts_right():
    network = ForecastLSTM(train_sensor.FEATURES, 4)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.head.bias[0] = 2.0
    right = torch.full((4, train_sensor.STEPS + 1), 2.0)
    wrong = train_sensor.surprise(network, -right, -right)
    assert train_sensor.surprise(network, right, right) < wrong


def test_what_is_asked_for_is_the_healthy_continuation_of_what_was_shown():
    network = ForecastLSTM(train_sensor.FEATURES, 4)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    healthy = torch.zeros((4, train_sensor.STEPS + 1))
    faulty = healthy + 5.0
    forgiven = train_sensor.surprise(network, faulty, healthy)
    assert forgiven == train_sensor.surprise(network, healthy, healthy)
    assert forgiven < train_sensor.surprise(network, faulty, faulty)


def test_what_is_trained_on_has_a_licence_that_lets_weights_ship(sensors):
    assert {one.source for one in training_series(sensors)} == {"nab", "itsc"}


def test_no_file_is_both_trained_on_and_held_out_but_for_nab_which_is_cut_in_time(sensors):
    trained = {(s.source, s.file) for s in training_series(sensors) if s.source != "nab"}
    held_out = {(s.source, s.file) for s in held_out_series(sensors) if s.source != "nab"}
    assert trained
    assert not trained & held_out
    first = next(s for s in training_series(sensors) if s.source == "nab")
    last = next(s for s in held_out_series(sensors) if s.source == "nab")
    recording, _ = nab(sensors)
    both = np.concatenate((first.values, last.values))
    kept = ~np.isnan(both)
    assert np.array_equal(both[kept], recording.values[kept, 0])
    assert recording.faulty[~kept].all()  # a fault is no lesson in what is healthy
    assert not np.isnan(last.values).any()


def test_the_shipped_model_forecasts_held_out_files_better_than_a_constant(shipped, sensors):
    series = [s for s in held_out_series(sensors) if s.source != "skab"]
    for row in forecast_table(shipped, series).splitlines()[4:]:
        _, source, better, nll, constant, *_ = (cell.strip() for cell in row.split("|"))
        won, total = map(int, better.split(" of "))
        # FEMTO's bearing 1_2 shows next to nothing to forecast: 0.74 nats against 0.70.
        assert won >= total - total // 8, source
        assert float(nll) < float(constant), source


def test_the_shipped_model_is_small_int8_and_for_sensors():
    package = load_package(SHIPPED)
    assert package.manifest.precision == "int8"
    assert package.manifest.sensor is not None
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) <= 100_000


def test_the_model_card_names_data_licences_commands_and_limits():
    card = (SHIPPED / "MODEL_CARD.md").read_text()
    for needed in ("NAB", "ITSC", "MIT", "quantize train-sensor", "quantize evaluate-sensor"):
        assert needed in card
    assert "## Not good for" in card


def test_the_shipped_card_tells_the_recipe_and_the_version_of_today():
    assert train_sensor.RECIPE in (SHIPPED / "MODEL_CARD.md").read_text()
    assert load_package(SHIPPED).manifest.version == train_sensor.VERSION


def test_the_figures_of_a_confusion():
    confusion = Confusion(hits=6, false_alarms=2, misses=2, silences=6) + Confusion(0, 0, 0, 2)
    assert confusion.f1 == pytest.approx(0.75)
    assert confusion.false_alarm_rate == pytest.approx(0.2)
    assert confusion.missed_rate == pytest.approx(0.25)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_skab_is_scored_as_well_as_the_model_card_says(shipped, sensors):
    row = next(
        line
        for line in skab_table(shipped, skab(sensors)).splitlines()
        if line.startswith("| 10 / 5 | levels and LSTM")
    )
    _, _, _, f1, false_alarm_rate, *_ = (cell.strip() for cell in row.split("|"))
    assert float(f1) >= 0.78
    assert float(false_alarm_rate) < 0.2
    assert row in (SHIPPED / "MODEL_CARD.md").read_text()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nab_is_scored_as_the_model_card_says(shipped, sensors):
    assert nab_table(shipped, *nab(sensors)).strip() in (SHIPPED / "MODEL_CARD.md").read_text()
