"""The commands, as a person or systemd calls them."""

import json
import os
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from agent_process import command, environment
from mosquitto import Listener

START = "2024-05-01T10:00:00Z"
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


def test_what_check_prints_is_an_environment_that_check_accepts(tmp_path):
    env = environment(tmp_path, LOG_TOPICS="", WINDOW_S=" 7 ", SITE_FILE="")
    first = command("check", env=env)
    assert first.returncode == 0, first.stderr
    lines = first.stdout.decode().splitlines()
    bare = {name: value for name, value in env.items() if not name.startswith("EDGE_AGENT_")}
    again = command("check", env=bare | dict(line.split("=", 1) for line in lines))
    assert (again.returncode, again.stdout) == (0, first.stdout), again.stderr
    assert "EDGE_AGENT_LOG_TOPICS=" in lines


def test_check_tries_the_state_directory_and_leaves_nothing_behind(tmp_path):
    assert command("check", env=environment(tmp_path)).returncode == 0
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "state").mkdir()
    assert command("check", env=environment(tmp_path)).returncode == 0
    assert list((tmp_path / "state").iterdir()) == []


@pytest.mark.parametrize("below", ["", "further/down"], ids=["itself", "on the way"])
def test_check_reports_a_state_directory_that_is_none(tmp_path, below):
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / below
    done = command("check", env=environment(tmp_path, STATE_DIR=path))
    assert done.returncode == 74
    assert f"the state directory {path} cannot be" in complaint(done)


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


def test_classify_says_which_words_mattered_where_it_is_asked(tmp_path):
    (tmp_path / "lines").write_text("Spindle 3 motor OVERTEMP\n\ncycle complete\n")
    done = command("classify", str(tmp_path / "lines"), "--explain", env=environment(tmp_path))
    hot, empty, routine = (json.loads(row) for row in done.stdout.splitlines())
    assert set(hot["words"]) == {"spindle", "motor", "over", "temperature"}
    assert list(hot["words"].values()) == sorted(hot["words"].values(), reverse=True)
    assert hot["words"]["temperature"] > 0
    assert (empty["words"], set(routine["words"])) == ({}, {"cycle", "complete"})


def test_classify_reads_a_file_and_names_one_that_is_not_there(tmp_path):
    (tmp_path / "lines").write_text("motor overcurrent\n")
    done = command("classify", str(tmp_path / "lines"), env=environment(tmp_path))
    assert len(done.stdout.splitlines()) == 1
    missing = command("classify", str(tmp_path / "none"), env=environment(tmp_path))
    assert missing.returncode == 78
    assert "none cannot be read" in complaint(missing)


def unread(*arguments, env):
    """Run a command whose output nobody reads; return its exit code and what it complained of."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as out:
        done = subprocess.run(
            [sys.executable, "-m", "edge_agent", *arguments],
            env=env | {"PYTHONUNBUFFERED": ""},  # as a shell runs it
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
            timeout=90,
        )
    return done.returncode, done.stderr


def emergencies(count):
    """Return a capture in which each of many machines stops: an alert of each."""
    topics = (f"plant/hall/machine-{number}/log" for number in range(count))
    return "".join(captured("EMERGENCY STOP PRESSED", topic=topic) + "\n" for topic in topics)


@pytest.mark.parametrize("count", [1, 200], ids=["at the end", "midway"])
@pytest.mark.parametrize("verb", ["classify", "replay"])
def test_a_reader_that_goes_away_is_no_error(tmp_path, verb, count):
    content = emergencies(count) if verb == "replay" else "motor overcurrent\n" * count
    (tmp_path / "file").write_text(content)
    assert unread(verb, str(tmp_path / "file"), env=environment(tmp_path)) == (0, b"")


def captured(payload, at=START, topic="plant/hall/fan-1/temp"):
    """Return a line of a capture, without its end."""
    return json.dumps({"received_at": at, "topic": topic, "payload": payload})


@pytest.mark.parametrize("option", ["--events", "--scores"])
def test_replay_never_writes_over_its_capture(tmp_path, option):
    capture = tmp_path / "capture"
    capture.write_text(captured("20") + "\n")
    (tmp_path / "link").symlink_to(capture)
    for output in (capture, tmp_path / "link"):
        done = command("replay", str(capture), option, str(output), env=environment(tmp_path))
        assert done.returncode == 78
        assert f"{output} is a capture to be read" in complaint(done)
    assert capture.read_text() == captured("20") + "\n"


def test_a_capture_may_begin_with_a_byte_order_mark_and_end_within_a_line(tmp_path):
    stop = captured("EMERGENCY STOP PRESSED", topic="plant/hall/fan-1/log")
    (tmp_path / "whole").write_text(f"{stop}\n")
    (tmp_path / "cut").write_bytes(b"\xef\xbb\xbf" + f"{stop}\n{stop[:-9]}".encode())
    whole = command("replay", str(tmp_path / "whole"), env=environment(tmp_path))
    cut = command("replay", str(tmp_path / "cut"), env=environment(tmp_path))
    assert (cut.returncode, cut.stdout) == (0, whole.stdout), cut.stderr
    assert cut.stdout
    (warning,) = cut.stderr.decode().splitlines()
    assert f"{tmp_path / 'cut'}:2" in warning


def test_a_last_line_without_a_newline_counts_when_it_is_whole(tmp_path):
    stop = captured("EMERGENCY STOP PRESSED", topic="plant/hall/fan-1/log")
    (tmp_path / "capture").write_text(stop)
    done = command("replay", str(tmp_path / "capture"), env=environment(tmp_path))
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == b""


def test_a_capture_may_run_back_by_a_second_and_no_further(tmp_path):
    times = ["2024-05-01T10:00:05Z", "2024-05-01T10:00:04Z", "2024-05-01T10:00:03.5Z"]
    path = tmp_path / "capture"
    path.write_text("".join(captured("20", at) + "\n" for at in times[:2]))
    assert command("replay", str(path), env=environment(tmp_path)).returncode == 0
    path.write_text("".join(captured("20", at) + "\n" for at in times))
    done = command("replay", str(path), env=environment(tmp_path))
    assert done.returncode == 78
    assert f"{path}:3: received_at runs back by 1.500 s; sort the file" in complaint(done)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (60, [b"no sensor scores: the capture is shorter than EDGE_AGENT_COMMISSIONING_S", b"300"]),
        (600, []),
    ],
    ids=["too short", "long enough"],
)
def test_replay_says_when_a_capture_is_too_short_to_learn_from(tmp_path, seconds, words):
    times = [f"2024-05-01T10:{second // 60:02}:{second % 60:02}Z" for second in range(seconds)]
    rows = (captured(str(20 + number % 3), at) for number, at in enumerate(times))
    (tmp_path / "capture").write_text("".join(row + "\n" for row in rows))
    env = environment(tmp_path, COMMISSIONING_S=300)
    done = command("replay", str(tmp_path / "capture"), env=env)
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == bool(words)
    assert all(word in done.stderr for word in words)


@pytest.mark.parametrize("count", [1, 200], ids=["on closing", "midway"])
def test_a_full_disk_is_a_storage_error_and_names_the_file(tmp_path, count):
    (tmp_path / "capture").write_text(emergencies(count))
    arguments = ["--scores", "/dev/full", "--events", str(tmp_path / "events")]
    env = environment(tmp_path)
    done = command("replay", str(tmp_path / "capture"), *arguments, env=env)
    assert done.returncode == 74
    assert complaint(done) == "edge-agent: /dev/full cannot be written: No space left on device"


def test_a_recording_to_a_full_disk_is_a_storage_error(tmp_path, broker):
    with Listener(broker.port, "plant/#") as plant:
        plant.publish("plant/hall/fan-1/temp", b"20", retain=True)
        env = environment(tmp_path, BROKER_URL=broker.url)
        done = command("record", "-o", "/dev/full", env=env)
    assert done.returncode == 74
    assert b"/dev/full cannot be written: No space left on device" in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"topic": "a"}\n', ":1 is no captured message"),
        ('\n{"received_at": "noon", "topic": "a", "payload": ""}\n', ":2: received_at is no time"),
        ("what\n", ":1 is no captured message"),
        ("what", ":1 is no captured message"),
        ('{"received_at": "2024\n\n', ":1 is no captured message"),
        ("[" * 200_000 + "\n", ":1 is no captured message"),
    ],
    ids=["no time", "bad time", "no json", "no json at all", "cut before the end", "too deep"],
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
