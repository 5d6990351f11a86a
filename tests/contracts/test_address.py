"""How a broker is named, and that its password stays out of sight."""

from pathlib import Path

import pytest

from edge_agent.errors import ConfigError
from edge_agent.io.address import BrokerAddress
from edge_agent.io.backoff import Backoff

SECRET = "s3cret"  # noqa: S105  what must not be shown


@pytest.mark.parametrize(
    ("url", "host", "port", "tls"),
    [
        ("mqtt://broker", "broker", 1883, False),
        ("mqtts://broker.plant/", "broker.plant", 8883, True),
        ("mqtt://10.0.0.1:2883", "10.0.0.1", 2883, False),
        ("mqtt://[fe80::1]:1884", "fe80::1", 1884, False),
    ],
)
def test_a_url_names_host_port_and_encryption(url, host, port, tls):
    address = BrokerAddress.parse(url)
    assert (address.host, address.port, address.tls) == (host, port, tls)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("broker:1883", "must read mqtt://host:port"),
        ("http://broker", "must read mqtt://host:port"),
        ("mqtt://", "must read mqtt://host:port"),
        ("mqtt://broker:port", "cannot be read"),
        ("mqtt://broker:0", "port 0"),
        (f"mqtt://gw:{SECRET}@broker", "must not hold a user name or password"),
        ("mqtt://broker/plant", "must end after the port"),
    ],
)
def test_a_wrong_url_is_a_configuration_error_that_repeats_no_secret(url, complaint):
    with pytest.raises(ConfigError, match=complaint) as caught:
        BrokerAddress.parse(url)
    assert SECRET not in str(caught.value)


def test_certificates_without_tls_are_a_configuration_error():
    with pytest.raises(ConfigError, match="mqtts://"):
        BrokerAddress.parse("mqtt://broker", ca_file=Path("ca.pem"))


def test_a_certificate_needs_its_key():
    with pytest.raises(ConfigError, match="given together"):
        BrokerAddress.parse("mqtts://broker", cert_file=Path("cert.pem"))


def test_a_password_is_not_shown():
    address = BrokerAddress.parse("mqtt://broker", username="gw", password=SECRET)
    assert SECRET not in f"{address} {address!r}"
    assert str(address) == "mqtt://broker:1883"


def test_delays_double_up_to_the_ceiling_and_start_again():
    longest = Backoff(1.0, 60.0, draw=lambda _low, high: high)
    assert [longest.next_s() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    longest.reset()
    assert longest.next_s() == 1


def test_a_delay_may_be_anything_up_to_its_reach():
    asked: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        asked.append((low, high))
        return low

    Backoff(1.0, 60.0, draw).next_s()
    assert asked == [(0.0, 1.0)]
