"""Condition monitoring for plant gateways: MQTT streams in, fault alerts out."""

from importlib.metadata import version

__version__ = version("edge-agent")
