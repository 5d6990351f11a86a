"""An alarm of one machine while the sensor that it rests on says nothing."""

import numpy as np
import pytest

from edge_agent.core.asset import Asset, Pending
from edge_agent.core.records import NS_PER_S, Frame, TimeQuality, Window
from edge_agent.core.scoring import SensorScore
from edge_agent.core.sensorfault import FaultKind, SensorFault
from edge_agent.core.sensorwatch import SOUND, Sensors
from edge_agent.core.site import AlarmSpec, Site

SITE = Site("n", (), (), alarms=AlarmSpec(on_delay_ns=10 * NS_PER_S, off_delay_ns=30 * NS_PER_S))
CLIPPED = Sensors(
    frozenset({"oil_temp"}),
    (SensorFault("oil_temp", FaultKind.SATURATION, 40 * NS_PER_S, 90.0, "never passes 90"),),
)


def weigh(asset, end_s, value, sensors, **contributions):
    start_ns, end_ns = (end_s - 10) * NS_PER_S, end_s * NS_PER_S
    at_ns, values = np.array([end_ns - 1]), np.array([90.0], np.float32)
    window = Window("pump-2", "oil_temp", start_ns, end_ns, at_ns, values, None)
    frame = Frame("pump-2", start_ns, end_ns, {"oil_temp": window}, TimeQuality.SOURCE)
    score = SensorScore(
        asset="pump-2",
        channels=tuple(contributions),
        start_ns=start_ns,
        end_ns=end_ns,
        score=value,
        threshold=2.0,
        anomalous=value > 2.0,
        contributions=contributions,
        commissioning=False,
        alarming=value > 2.0,
    )
    asset.weigh(Pending(frame, end_ns, end_ns, sensors), score, {})


@pytest.mark.parametrize(("sensors", "stands"), [(CLIPPED, True), (SOUND, False)])
def test_a_machine_alarm_outlives_the_sensor_that_raised_it_but_not_its_fault(sensors, stands):
    asset = Asset("pump-2", SITE)
    for end_s in range(10, 40, 5):
        weigh(asset, end_s, 5.0, SOUND, oil_temp=0.9, flow=0.1)
    assert asset.board.alarms["thermal"].active
    for end_s in range(40, 200, 5):
        weigh(asset, end_s, 1.0, sensors, flow=1.0)
    assert asset.board.alarms["thermal"].active is stands
