"""The unit, the example settings and the run book are what the agent and systemd understand."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edge_agent.core.records import Category
from edge_agent.settings import Settings, load_settings
from edge_agent.site_file import read_site_file

FOLDER = Path(__file__).parents[1] / "systemd"
UNIT = FOLDER / "edge-agent.service"
ENV_EXAMPLE = FOLDER / "edge-agent.env.example"
SITE_EXAMPLE = FOLDER / "site.toml.example"
RUNBOOK = FOLDER / "RUNBOOK.md"
PROGRAM = "/opt/edge-agent/bin/edge-agent"
WORST_EXPOSURE = 1.5

ASSIGNMENT = re.compile(r"^(#?)(EDGE_AGENT_\w+)=(.*)$", re.MULTILINE)


def assignments(*, commented: bool) -> dict[str, str]:
    found = ASSIGNMENT.findall(ENV_EXAMPLE.read_text())
    return {name: value for mark, name, value in found if bool(mark) is commented}


def option(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)


@pytest.fixture
def environment(monkeypatch):
    """Return a function that sets exactly the given settings in the process's environment."""
    for name in [name for name in os.environ if name.startswith("EDGE_AGENT_")]:
        monkeypatch.delenv(name)

    def assign(values: dict[str, str]) -> dict[str, str]:
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        return values

    return assign


@pytest.fixture
def installed_unit(tmp_path: Path) -> Path:
    """Return a copy of the unit with a program that exists here: verify looks for it."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    text = UNIT.read_text()
    assert text.count(PROGRAM) == 1
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace(PROGRAM, shutil.which("true")))
    return copy


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments, "--no-pager"], capture_output=True, text=True, check=False
    )


def test_the_example_loads_as_it_is(environment):
    settings = load_settings(environment(assignments(commented=False)))
    assert settings.broker_url == "mqtt://localhost:1883"
    assert settings.sensor_topics == ("plant/{area}/{asset}/{channel}",)


def test_the_example_shows_the_defaults(environment):
    given = assignments(commented=False)
    defaults = load_settings(environment({}))
    shown = load_settings(environment(given))
    for name in given:
        field = name.removeprefix("EDGE_AGENT_").lower()
        assert getattr(shown, field) == getattr(defaults, field), name


def test_the_commented_settings_load_too(environment):
    settings = load_settings(environment(assignments(commented=True)))
    assert settings.node == "press-shop-gw1"
    assert settings.site_file == Path("/etc/edge-agent/site.toml")


def test_every_setting_is_in_the_example_and_nothing_else():
    documented = assignments(commented=False) | assignments(commented=True)
    assert set(documented) == {f"EDGE_AGENT_{name.upper()}" for name in Settings.model_fields}


def test_every_setting_has_a_comment_above_it():
    for block in ENV_EXAMPLE.read_text().split("\n\n"):
        if ASSIGNMENT.search(block):
            assert re.match(r"# \w", block), block


def test_the_site_example_is_read():
    site_file = read_site_file(SITE_EXAMPLE)
    press = site_file.asset_sites()["press-1"]
    assert press.categories["torque"] is Category.MECHANICAL
    assert [limit.channel for limit in press.limits] == ["temperature", "oil"]
    assert site_file.binary_topics()[0].rate_hz == 6400


def test_systemd_understands_every_line_of_the_unit(installed_unit: Path):
    result = analyze("verify", "--man=no", str(installed_unit))
    # an unknown key is a message and exit code 0
    assert (result.stderr, result.returncode) == ("", 0)


def test_the_check_of_the_unit_would_see_a_misspelled_key(installed_unit: Path):
    text = installed_unit.read_text()
    installed_unit.write_text(text.replace("PrivateTmp=", "PrivateTemp="))
    assert "PrivateTemp" in analyze("verify", "--man=no", str(installed_unit)).stderr


def test_the_unit_exposes_little(installed_unit: Path):
    result = analyze("security", "--offline=true", str(installed_unit))
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", result.stdout)
    assert exposure is not None, result.stderr
    assert float(exposure.group(1)) <= WORST_EXPOSURE


def test_a_wrong_configuration_is_not_tried_again():
    assert option("Restart") == ["on-failure"]
    assert option("RestartPreventExitStatus") == ["78"]


def test_telemetry_is_off_in_the_unit_too():
    assert "ORT_DISABLE_TELEMETRY=1" in option("Environment")


def test_the_state_directory_of_the_unit_is_the_default_of_the_agent():
    (name,) = option("StateDirectory")
    assert Settings.model_fields["state_dir"].default == Path("/var/lib") / name


def test_the_paths_of_example_and_run_book_are_those_of_the_unit():
    (environment_file,) = option("EnvironmentFile")
    (credential,) = option("LoadCredential")
    prefix, secrets = credential.split(":")
    runbook = RUNBOOK.read_text()
    assert environment_file in runbook
    assert secrets in runbook
    given = f"/run/credentials/{UNIT.name}/{prefix}_broker-password"
    assert assignments(commented=True)["EDGE_AGENT_BROKER_PASSWORD_FILE"] == given


@pytest.mark.parametrize("code", ["0", "70", "74", "78"])
def test_the_run_book_explains_each_exit_code(code: str):
    assert re.search(rf"^\| {code} \|", RUNBOOK.read_text(), re.MULTILINE)
