"""The site file of the simulated plant: what its engineers would have written.

Delays are seconds where a real plant takes minutes, so that a fault comes and goes while somebody
watches.  Speed and position of the conveyor come from its encoder, hence the category ``sensor``.
"""

from edge_agent.demo.gateways import INT16_G
from edge_agent.demo.plant import ASSETS

SETTINGS = {
    "EDGE_AGENT_NODE": "demo",
    "EDGE_AGENT_TOPIC_ROOT": "edge-agent",
    "EDGE_AGENT_SENSOR_TOPICS": "plant/{area}/{asset}/{channel}",
    "EDGE_AGENT_LOG_TOPICS": "plant/{area}/{asset}/log",
    "EDGE_AGENT_WINDOW_S": "2",
    "EDGE_AGENT_HOP_S": "1",
    "EDGE_AGENT_LATENESS_S": "0.5",
    "EDGE_AGENT_COMMISSIONING_S": "28",
    "EDGE_AGENT_LOG_FORMAT": "journal",
}
ALERT_FILTER = "edge-agent/demo/alarms/+/+/event"
STATUS_TOPIC = "edge-agent/demo/status"

_TEMPLATE = """\
[alarms]
on_delay_s = 1.5
off_delay_s = 3.0
log_hold_s = 5.0
silence_s = 30.0
log_severity = "error"

[[binary]]
topic = "plant/press/press-1/vibration"
format = "int16"
rate_hz = {press_rate_hz}
scale = {scale}

[assets.press-1]
categories = {{ vibration = "mechanical", temperature = "thermal", current = "electrical" }}
responses = {{ mechanical = "Inspect the drive-end bearing; plan to replace it this week." }}

[assets.pump-2]
categories = {{ temperature = "thermal", vibration = "mechanical" }}
responses = {{ thermal = "Check the cooling water and the fan cowl, then reduce the load." }}
[[assets.pump-2.limits]]
channel = "temperature"
high = 80.0
deadband = 3.0
category = "thermal"
priority = "high"

[assets.fan-3]
categories = {{ current = "electrical", speed = "mechanical" }}
responses = {{ electrical = "Look for a blocked or dirty fan wheel before the drive trips." }}
[[assets.fan-3.limits]]
channel = "current"
high = 14.0
deadband = 1.0
category = "electrical"
priority = "high"

[assets.conveyor-4]
categories = {{ position = "sensor", speed = "sensor", current = "electrical" }}
responses = {{ sensor = "Check the plug and cable of the axis 2 encoder." }}
"""


def site_toml() -> str:
    """Return the text of the site file."""
    press = next(asset for asset in ASSETS if asset.name == "press-1")
    if press.vibration is None:
        raise ValueError("press-1 has lost its accelerometer")
    return _TEMPLATE.format(press_rate_hz=press.vibration.rate_hz, scale=INT16_G)
