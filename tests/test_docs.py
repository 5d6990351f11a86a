"""What is written down is true: names, codes and commands are those of the code."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from agent_process import command, environment

from edge_agent.core.commands import Verb
from edge_agent.core.records import Category, Priority, RejectReason, Severity
from edge_agent.errors import AgentError
from edge_agent.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RUN_BOOK = (ROOT / "systemd/RUNBOOK.md").read_text(encoding="utf-8")
ENV_EXAMPLE = (ROOT / "systemd/edge-agent.env.example").read_text(encoding="utf-8")
BIN = ROOT / ".venv/bin"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_in_the_example(name):
    assert re.search(rf"^#?{PREFIX}{name.upper()}=", ENV_EXAMPLE, re.MULTILINE)


def test_the_example_has_no_setting_that_does_not_exist():
    found = set(re.findall(rf"^#?{PREFIX}(\w+)=", ENV_EXAMPLE, re.MULTILINE))
    assert found == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("reason", RejectReason)
def test_every_reject_reason_is_explained_in_the_run_book(reason):
    assert f"| `{reason}` |" in RUN_BOOK


@pytest.mark.parametrize("error", AgentError.__subclasses__(), ids=lambda e: e.__name__)
def test_every_exit_code_is_explained_in_the_run_book(error):
    assert f"| {error.exit_code} |" in RUN_BOOK


@pytest.mark.parametrize("verb", Verb)
def test_every_command_topic_is_in_the_readme(verb):
    assert f"commands/{verb}" in README


@pytest.mark.parametrize("topic", ["status", "health", "state", "event"])
def test_every_published_topic_is_in_the_readme(topic):
    assert re.search(rf"^\| `(\S+/)?{topic}` \|", README, re.MULTILINE)


@pytest.mark.parametrize("word", [*Category, *Priority, *Severity])
def test_every_word_of_an_alert_is_in_the_readme(word):
    assert f"`{word}`" in README


def examples():
    """Yield (command, what the document says it prints) of every console block."""
    for page in (README, RUN_BOOK):
        for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL):
            for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, printed = example.partition("\n")
                yield pytest.param(command, printed, id=command[:40])


@pytest.mark.parametrize(("line", "printed"), list(examples()))
def test_an_example_prints_what_the_document_shows(line, printed, tmp_path):
    shown = subprocess.run(
        ["bash", "-c", line.replace("edge-agent", shlex.quote(str(BIN / "edge-agent")), 1)],
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert rounded(shown.stdout + shown.stderr) == rounded(printed)


def rounded(text):
    """Return text with its fractions cut: processors differ in the last digits of a score."""
    return re.sub(r"(\d\.\d)\d+", r"\1", text)


def test_the_alert_in_the_readme_is_one_that_the_agent_publishes():
    story = ROOT / "tests/golden/overheating-pump"
    lines = (story / "settings.env").read_text().splitlines()
    settings = {name.removeprefix(PREFIX): v for name, _, v in (x.partition("=") for x in lines)}
    env = environment(story, **settings)
    done = command("replay", str(story / "capture.jsonl"), env=env)
    (shown,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    told = [json.dumps(json.loads(line)) for line in done.stdout.splitlines()]
    assert rounded(json.dumps(json.loads(shown))) in map(rounded, told)


LINKS = [
    (page, link)
    for page in sorted([*ROOT.glob("*.md"), *ROOT.glob("*/*.md")])
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("page", "link"), LINKS, ids=lambda value: str(value).rpartition("/")[2])
def test_a_link_leads_somewhere(page, link):
    assert (page.parent / link).exists()
