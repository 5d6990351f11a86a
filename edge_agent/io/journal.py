"""How the agent's own log lines look: structlog, to standard error."""

import logging
import sys
from collections.abc import Mapping, MutableMapping

import structlog

_SYSLOG_LEVEL = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


def configure(level: str, log_format: str, environ: Mapping[str, str]) -> None:
    """Set up logging for the process.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        log_format: ``journal`` writes one ``<priority>event key=value`` line for systemd, ``json``
            one object a line, ``console`` colours for a person; ``auto`` is journal under systemd,
            console on a terminal, else json.
        environ: Tells whether systemd reads our standard error (``JOURNAL_STREAM``).
    """
    if log_format == "auto":
        terminal = "console" if sys.stderr.isatty() else "json"
        log_format = "journal" if "JOURNAL_STREAM" in environ else terminal
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            *_RENDERERS[log_format],
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )


def _journal_line(_logger: object, _method: str, fields: MutableMapping[str, object]) -> str:
    """Render one line that journald can file: the priority it reads, then event and fields."""
    priority = _SYSLOG_LEVEL[str(fields.pop("level"))]
    event = fields.pop("event")
    trace = fields.pop("exception", None)
    pairs = [f"{name}={value}" for name, value in fields.items()]
    # A line break would make the rest a line of its own, without a priority.
    return f"<{priority}>" + " ".join(
        [str(event), *pairs, *([str(trace)] if trace else [])]
    ).replace("\n", " | ")


# A trace tells where it went wrong.  The variables there hold settings and payloads, which do not
# belong in a log; rich, where it is installed, would show them on the console too.
_TRACES = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)
_TIME = structlog.processors.TimeStamper(fmt="iso", utc=True)
_RENDERERS = {
    "journal": (structlog.processors.format_exc_info, _journal_line),  # journald adds the time
    "json": (_TIME, _TRACES, structlog.processors.JSONRenderer()),
    "console": (
        _TIME,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ),
}
