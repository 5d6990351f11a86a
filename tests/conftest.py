"""What every test folder shares."""

from pathlib import Path

import pytest
import structlog
from mosquitto import running

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real recordings, which is beside the checkout or nowhere."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real recordings are not beside this checkout (../shared/data)")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def _own_log():
    """Undo what a command that ran in this process said about logging, and to which file."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def broker_process(tmp_path_factory):
    """Return a real mosquitto of this test's own, which the test may stop and kill."""
    with running(tmp_path_factory.mktemp("mosquitto")) as broker:
        yield broker


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """Return a real mosquitto that the tests of a module share and leave running."""
    # By default mosquitto drops what is more than 1,000 messages ahead of a subscriber.
    settings = "allow_anonymous true\nmax_queued_messages 0"
    with running(tmp_path_factory.mktemp("mosquitto"), settings, durable=False) as broker:
        yield broker


def pytest_addoption(parser):
    """Let the golden stories be written anew after a change that was meant to change them."""
    parser.addoption(
        "--update-golden", action="store_true", help="write what comes out instead of comparing"
    )
