"""Stands in for the agent: says that it is online, then publishes alerts by a script.

``python scripted_agent.py BROKER_URL SCRIPT`` where the script is JSON: a list of
``[seconds since the birth, asset, alarm, active]``, after which it stays until it is told to stop.
"""

import json
import sys
import time
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


def main(broker_url: str, script: str) -> None:
    broker = urlsplit(broker_url)
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.connect(broker.hostname or "", broker.port or 0)
    client.loop_start()
    client.publish("edge-agent/demo/status", json.dumps({"online": True}), 1, retain=True)
    began_s = time.monotonic()
    for after_s, asset, alarm, active in json.loads(script):
        time.sleep(max(began_s + after_s - time.monotonic(), 0))
        document = {
            "asset": asset,
            "alarm": alarm,
            "priority": "high",
            "active": active,
            "raised_at": "2026-05-01T10:00:00Z",
            "changed_at": "2026-05-01T10:00:00Z" if active else "2026-05-01T10:00:09Z",
            "summary": f"{asset}: {alarm}",
            "response": "look at it",
            "evidence": [],
        }
        client.publish(f"edge-agent/demo/alarms/{asset}/{alarm}/event", json.dumps(document), 1)
    time.sleep(600)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
