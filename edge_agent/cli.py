"""The command line: what a person or systemd calls."""

import argparse
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

import structlog

from edge_agent import __version__, agent, offline, waveform
from edge_agent.core.bearings import COMMON
from edge_agent.core.diagnosis import Unit
from edge_agent.core.severity import Group, MachineClass, Support
from edge_agent.demo.run import demo
from edge_agent.errors import AgentError, ConfigError, StorageError
from edge_agent.io import journal
from edge_agent.io.systemd import Notifier
from edge_agent.settings import Settings, load_settings

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_OUR_BUG = 70
_FACTORS = ("bpfo", "bpfi", "bsf", "ftf")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 stopped as asked, 70 our bug, 74 storage, 78 configuration or model package; argparse exits
    with 2 where the command itself makes no sense.
    """
    arguments = _parser().parse_args(argv)
    try:
        code = int(arguments.command(arguments) or 0)
        sys.stdout.flush()  # here, where a reader that has gone is no error
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
    return code


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
    command.add_argument("--explain", action="store_true", help="say which words mattered")
    command.set_defaults(command=_classify)

    _add_diagnose(commands.add_parser("diagnose", help="one waveform in, one JSON verdict out"))
    return parser


def _add_diagnose(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Name what is wrong from one block of acceleration. What is not known may be left out:"
        " without a speed it is estimated and the answer says so, without a bearing none of its"
        " parts is named, without a healthy recording hardly any machine is called healthy."
    )
    command.add_argument("file", type=Path, metavar="FILE", help=".npy, .csv or .wav")
    command.add_argument("--rate-hz", type=float, required=True, metavar="R", help="samples per s")
    command.add_argument("--speed-rpm", type=float, metavar="N", help="of the shaft")
    command.add_argument(
        "--speed-column", metavar="NAME", help="of a .csv, in rpm, where no speed is given"
    )
    command.add_argument("--bearing", metavar="NAME", help=f"one of {', '.join(sorted(COMMON))}")
    factors = command.add_argument_group(
        "factors of a bearing",
        "Multiples of the shaft's speed, not Hz, as catalogues give them; all four, or none. BSF"
        " may be the spin of an element or twice that: the other three tell which.",
    )
    for name in _FACTORS:
        factors.add_argument(f"--{name}", type=float, metavar="X")
    command.add_argument(
        "--unit", type=Unit, choices=tuple(Unit), default=Unit.G, help="of the samples (default g)"
    )
    command.add_argument("--scale", type=float, default=1.0, metavar="X", help="times the samples")
    command.add_argument("--column", metavar="NAME", help="of a .csv; else the first of numbers")
    command.add_argument(
        "--healthy",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a recording of this machine in health, by the same sensor; may be given repeatedly",
    )
    command.add_argument(
        "--group",
        type=int,
        choices=[group.value for group in Group],
        default=Group.MEDIUM.value,
        help="of ISO 20816-3: 1 above 300 kW, 2 up to that (default 2)",
    )
    command.add_argument(
        "--support",
        type=Support,
        choices=tuple(Support),
        default=Support.RIGID,
        help="of the machine (default rigid)",
    )
    command.set_defaults(command=_diagnose)


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
    offline.try_storage(settings)
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
    for output in (arguments.events, arguments.scores):
        for capture in arguments.captures:
            if output is not None and _is_same_file(output, capture):
                raise ConfigError(f"{output} is a capture to be read; write to another file")
    with ExitStack() as stack:
        to_screen = sys.stdout if not (arguments.events or arguments.scores) else None
        sinks = offline.Sinks(
            events=stack.enter_context(_writing(arguments.events))
            if arguments.events
            else (None if arguments.explain else to_screen),
            scores=stack.enter_context(_writing(arguments.scores)) if arguments.scores else None,
            explanations=sys.stdout if arguments.explain else None,
        )
        shortfall = offline.replay(settings, arguments.captures, sinks)
    if shortfall is not None:
        print(f"edge-agent: {shortfall}", file=sys.stderr)


def _is_same_file(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and one.samefile(other)


def _classify(arguments: argparse.Namespace) -> None:
    settings = _settings()
    explain = bool(arguments.explain)
    if arguments.file == "-":
        stdin = cast("io.BufferedReader", sys.stdin.buffer)
        offline.classify(settings, stdin, sys.stdout, explain=explain)
        return
    try:
        lines = Path(arguments.file).open("rb")  # noqa: SIM115  (closed below)
    except OSError as error:
        raise ConfigError(f"{arguments.file} cannot be read: {error.strerror}") from error
    with lines:
        offline.classify(settings, lines, sys.stdout, explain=explain)


def _diagnose(arguments: argparse.Namespace) -> None:
    given = [getattr(arguments, name) for name in _FACTORS]
    factors = None
    if any(factor is not None for factor in given):
        if None in given or arguments.bearing is not None:
            raise ConfigError("give a bearing's name or all of --bpfo, --bpfi, --bsf and --ftf")
        factors = (given[0], given[1], given[2], given[3])
    question = waveform.Question(
        file=arguments.file,
        rate_hz=arguments.rate_hz,
        speed_rpm=arguments.speed_rpm,
        bearing=arguments.bearing,
        factors=factors,
        machine_class=MachineClass(Group(arguments.group), arguments.support),
        unit=arguments.unit,
        scale=arguments.scale,
        column=arguments.column,
        speed_column=arguments.speed_column,
        healthy=tuple(arguments.healthy),
    )
    waveform.diagnose(question, sys.stdout)


def _settings() -> Settings:
    settings = load_settings()
    journal.configure(settings.log_level, settings.log_format, os.environ)
    return settings


class _Disk(io.FileIO):
    """A file that names itself where a write fails, for several may be written at once."""

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:  # a pipe whose reader has gone, which `main` lets pass
            raise
        except OSError as error:
            raise StorageError(f"{self.name} cannot be written: {error.strerror}") from error


@contextmanager
def _writing(path: Path) -> Iterator[TextIO]:
    """Open a file to write.

    Raises:
        ConfigError: It cannot be opened.
        StorageError: It does not take what is written, as on a full disk.
    """
    try:
        disk = _Disk(path, "w")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    with io.TextIOWrapper(io.BufferedWriter(disk), encoding="utf-8") as out:
        yield out
