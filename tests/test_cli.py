"""The commands, as a person or systemd calls them."""

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from agent_process import command, environment

MODELS = Path(str(files("edge_agent"))) / "models"


def complaint(done):
    """Return the one line that a command complained with."""
    assert done.stdout == b""
    (line,) = done.stderr.decode().splitlines()
    return line


def test_check_prints_the_settings_in_force(tmp_path):
    done = command("check", env=environment(tmp_path, WINDOW_S=7))
    assert done.returncode == 0, done.stderr
    assert "EDGE_AGENT_WINDOW_S=7.0" in done.stdout.decode().splitlines()


def test_check_never_shows_a_password(tmp_path):
    secret = tmp_path / "password"
    secret.write_text("hunter2")
    done = command("check", env=environment(tmp_path, BROKER_PASSWORD_FILE=secret))
    assert done.returncode == 0, done.stderr
    assert b"hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"BROKER_ULR": "x"}, "EDGE_AGENT_BROKER_ULR is not a setting; did you mean"),
        ({"SENSOR_TOPICS": "plant/{asset"}, "EDGE_AGENT_SENSOR_TOPICS: bad topic template"),
        ({"BROKER_URL": "http://broker"}, "the broker URL must read mqtt://"),
        ({"SITE_FILE": "/nowhere/site.toml"}, "site file /nowhere/site.toml cannot be read"),
        ({"BROKER_PASSWORD_FILE": "/nowhere/p"}, "/nowhere/p cannot be read"),
        ({"SENSOR_MODEL": "/nowhere"}, "/nowhere/SHA256SUMS: cannot be read"),
        ({"LOG_MODEL": MODELS / "sensor-lstm"}, "not a log model"),
    ],
    ids=["name", "template", "url", "site file", "password file", "no package", "wrong package"],
)
@pytest.mark.parametrize("verb", ["check", "run"])
def test_what_is_wrong_is_said_in_one_line_before_anything_connects(
    tmp_path, verb, settings, words
):
    done = command(verb, env=environment(tmp_path, **settings))
    assert done.returncode == 78
    assert words in complaint(done)


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json"])
def test_an_altered_package_is_refused_with_the_file(tmp_path, name):
    package = tmp_path / "package"
    shutil.copytree(MODELS / "sensor-lstm", package)
    content = bytearray((package / name).read_bytes())
    content[len(content) // 2] ^= 1
    (package / name).write_bytes(content)
    done = command("check", env=environment(tmp_path, SENSOR_MODEL=package))
    assert done.returncode == 78
    assert f"{package / name}: altered" in complaint(done)


def test_a_state_directory_that_cannot_be_made_is_a_storage_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = command("run", env=environment(tmp_path, STATE_DIR=tmp_path / "file" / "state"))
    assert done.returncode == 74
    assert "state.sqlite3" in done.stderr.decode()


def test_classify_gives_one_row_a_line_in_order_whatever_the_bytes(tmp_path):
    lines = [
        b"Spindle motor winding overtemperature",
        b"",
        b"\xff\xfe\x00 not text",
        b"x" * 100_000,
        "Überstrom Antrieb 3 \N{FIRE}".encode(),
        b"cycle complete",
    ]
    done = command("classify", "-", env=environment(tmp_path), input=b"\n".join(lines))
    assert done.returncode == 0, done.stderr
    rows = [json.loads(row) for row in done.stdout.splitlines()]
    assert [row["text"] for row in rows] == [line.decode(errors="replace") for line in lines]
    assert all(
        list(row)
        == ["text", "template", "category", "severity", "probability", "novel", "abstained"]
        for row in rows
    )
    assert rows[1]["abstained"]


def test_classify_reads_a_file_and_names_one_that_is_not_there(tmp_path):
    (tmp_path / "lines").write_text("motor overcurrent\n")
    done = command("classify", str(tmp_path / "lines"), env=environment(tmp_path))
    assert len(done.stdout.splitlines()) == 1
    missing = command("classify", str(tmp_path / "none"), env=environment(tmp_path))
    assert missing.returncode == 78
    assert "none cannot be read" in complaint(missing)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"topic": "a"}\n', ":1 is no captured message"),
        ('\n{"received_at": "noon", "topic": "a", "payload": ""}\n', ":2: received_at is no time"),
        ("what\n", ":1 is no captured message"),
    ],
    ids=["no time", "bad time", "no json"],
)
def test_a_broken_capture_is_refused_with_the_line(tmp_path, content, words):
    (tmp_path / "capture").write_text(content)
    done = command("replay", str(tmp_path / "capture"), env=environment(tmp_path))
    assert done.returncode == 78
    assert words in complaint(done)


def test_replay_writes_scores_and_events_and_explains(tmp_path):
    rows = [
        {
            "received_at": f"2024-05-01T10:{second // 60:02}:{second % 60:02}Z",
            "topic": "plant/hall/fan-1/temp",
            "payload": str(20 + second % 3),
        }
        for second in range(900)
    ]
    rows.append(rows[-1] | {"topic": "plant/hall/fan-1/log", "payload": "EMERGENCY STOP PRESSED"})
    (tmp_path / "capture").write_text("".join(json.dumps(row) + "\n" for row in rows))
    env = environment(tmp_path, COMMISSIONING_S=300)
    scores, events = tmp_path / "scores", tmp_path / "events"
    arguments = ["--scores", str(scores), "--events", str(events), "--explain"]
    done = command("replay", str(tmp_path / "capture"), *arguments, env=env)
    assert done.returncode == 0, done.stderr
    told = [json.loads(row) for row in scores.read_text().splitlines()]
    windows = [row for row in told if "score" in row]
    assert list(windows[0]) == [
        "asset",
        "channels",
        "start",
        "end",
        "score",
        "threshold",
        "anomalous",
        "contributions",
    ]
    assert windows[0]["start"] >= "2024-05-01T10:04"
    assert {row["text"] for row in told if "text" in row} == {"EMERGENCY STOP PRESSED"}
    (event,) = [json.loads(row) for row in events.read_text().splitlines()]
    assert event["category"] == "safety"
    assert event["summary"] in done.stdout.decode()


def test_replay_twice_gives_the_same_bytes_and_leaves_no_state(tmp_path):
    row = {"received_at": "2024-05-01T10:00:00Z", "topic": "plant/hall/fan-1/log"}
    (tmp_path / "capture").write_text(json.dumps(row | {"payload": "motor overcurrent"}) + "\n")
    env = environment(tmp_path)
    outputs = {command("replay", str(tmp_path / "capture"), env=env).stdout for _ in range(2)}
    assert len(outputs) == 1
    assert not (tmp_path / "state").exists()
