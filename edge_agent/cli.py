"""The command line: what a person or systemd calls."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

import structlog

from edge_agent import __version__, agent, offline
from edge_agent.demo.run import demo
from edge_agent.errors import AgentError, ConfigError
from edge_agent.io import journal
from edge_agent.io.systemd import Notifier
from edge_agent.settings import Settings, load_settings

_OUR_BUG = 70


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 stopped as asked, 70 our bug, 74 storage, 78 configuration or model package.
    """
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.command(arguments) or 0)
    except AgentError as error:
        for line in str(error).splitlines():
            print(f"edge-agent: {line}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # noqa: BLE001  (the one place where a bug becomes an exit code)
        structlog.get_logger().exception("bug")
        return _OUR_BUG


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edge-agent",
        description="Condition monitoring for plant gateways: MQTT streams in, fault alerts out.",
        epilog="Settings come from EDGE_AGENT_* variables; `edge-agent check` prints them.",
    )
    parser.add_argument("--version", action="version", version=f"edge-agent {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("run", help="be the daemon")
    command.set_defaults(command=_run)

    command = commands.add_parser("check", help="try settings, files and models; no network")
    command.set_defaults(command=_check)

    command = commands.add_parser("demo", help="a simulated plant with faults, and its alerts")
    command.add_argument("--seconds", type=_positive, help="stop after so long")
    command.set_defaults(command=_demo)

    command = commands.add_parser("record", help="live messages to a capture file")
    command.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    command.set_defaults(command=_record)

    command = commands.add_parser("replay", help="capture files through the same pipeline")
    command.add_argument("captures", type=Path, nargs="+", metavar="FILE")
    command.add_argument("--events", type=Path, metavar="FILE", help="alerts as JSON Lines")
    command.add_argument("--scores", type=Path, metavar="FILE", help="every score as JSON Lines")
    command.add_argument("--explain", action="store_true", help="alerts in words, with reasons")
    command.set_defaults(command=_replay)

    command = commands.add_parser("classify", help="log lines in, JSON Lines out")
    command.add_argument("file", nargs="?", default="-", metavar="FILE")
    command.set_defaults(command=_classify)
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return value


def _run(_arguments: argparse.Namespace) -> None:
    settings = _settings()
    agent.run(settings, Notifier.from_environment(os.environ))


def _check(_arguments: argparse.Namespace) -> None:
    settings = _settings()
    agent.check(settings)
    for name, value in settings.model_dump().items():
        shown = ",".join(value) if isinstance(value, tuple) else value
        print(f"EDGE_AGENT_{name.upper()}={'' if shown is None else shown}")


def _demo(arguments: argparse.Namespace) -> int:
    return demo(arguments.seconds)


def _record(arguments: argparse.Namespace) -> None:
    settings = _settings()
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    with _writing(arguments.output) as out:
        count = offline.record(settings, out, stopping)
    print(f"{count} messages in {arguments.output}", file=sys.stderr)


def _replay(arguments: argparse.Namespace) -> None:
    settings = _settings()
    with ExitStack() as stack:
        to_screen = sys.stdout if not (arguments.events or arguments.scores) else None
        sinks = offline.Sinks(
            events=stack.enter_context(_writing(arguments.events))
            if arguments.events
            else (None if arguments.explain else to_screen),
            scores=stack.enter_context(_writing(arguments.scores)) if arguments.scores else None,
            explanations=sys.stdout if arguments.explain else None,
        )
        offline.replay(settings, arguments.captures, sinks)


def _classify(arguments: argparse.Namespace) -> None:
    settings = _settings()
    if arguments.file == "-":
        offline.classify(settings, sys.stdin.buffer, sys.stdout)
        return
    try:
        with Path(arguments.file).open("rb") as lines:
            offline.classify(settings, lines, sys.stdout)
    except OSError as error:
        raise ConfigError(f"{arguments.file} cannot be read: {error.strerror}") from error


def _settings() -> Settings:
    settings = load_settings()
    journal.configure(settings.log_level, settings.log_format, os.environ)
    return settings


@contextmanager
def _writing(path: Path) -> Iterator[TextIO]:
    try:
        with path.open("w", encoding="utf-8") as out:
            yield out
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
