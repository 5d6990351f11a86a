"""Child processes that end with the demo, whatever ends it."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_PATIENCE_S = 5.0


@contextmanager
def child(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``command`` for the length of the context, its output in the file ``log``.

    It gets a session of its own: a Ctrl-C on the terminal reaches the demo alone, which then ends
    its children in order, the agent before the broker.  One that does not end on SIGTERM within
    some seconds is killed.
    """
    with (
        log.open("wb") as output,
        subprocess.Popen(  # noqa: S603  # our own command line, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            _end(process)


def last_lines(log: Path, count: int = 15) -> str:
    """Return the end of a child's output, to show why it stopped."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
