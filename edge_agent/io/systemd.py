"""The notification protocol of systemd, in the few datagrams that the agent needs.

See ``sd_notify(3)`` and ``sd_watchdog_enabled(3)``.  Outside of systemd all of it does nothing.
"""

import os
import socket
from collections.abc import Mapping

import structlog

_log = structlog.get_logger()


class Notifier:
    """Tells systemd how the service is.

    A lost notification must never stop the monitoring, so a failure is logged once and then
    ignored: systemd itself acts when the watchdog stays silent.

    Args:
        address: Path of the datagram socket, or a name after ``@`` in the abstract namespace;
            ``None`` where nobody listens.
        watchdog_interval_s: How often systemd wants to hear ``watchdog()``; ``None`` if never.
    """

    def __init__(self, address: str | None, watchdog_interval_s: float | None = None) -> None:
        self._address = f"\0{address[1:]}" if address and address[0] == "@" else address
        self._complained = False
        self.watchdog_interval_s = watchdog_interval_s

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Notifier":
        """Return the notifier that systemd asked for, or one that does nothing.

        The interval is half of what systemd allows, as its manual advises.  ``WATCHDOG_PID`` may
        name another process, whose environment we merely inherited: then there is no watchdog.
        """
        address = environment.get("NOTIFY_SOCKET") or None
        allowed_us = environment.get("WATCHDOG_USEC", "")
        owner = environment.get("WATCHDOG_PID", str(os.getpid()))
        if address is None or not allowed_us.isdecimal() or owner != str(os.getpid()):
            return cls(address)
        allowed_s = int(allowed_us) / 1e6
        return cls(address, allowed_s / 2 if allowed_s > 0 else None)

    def ready(self) -> None:
        """Say that models are warm and subscriptions granted."""
        self._send("READY=1")

    def stopping(self) -> None:
        """Say that the service has begun to stop."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """Show one line in ``systemctl status``."""
        self._send(f"STATUS={' '.join(text.split())}")

    def watchdog(self) -> None:
        """Show progress; to be called only by what makes progress, never by a timer."""
        self._send("WATCHDOG=1")

    def _send(self, assignment: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                # systemd reads quickly; a full queue must not hold up the caller.
                channel.settimeout(0.0)
                channel.sendto(assignment.encode(), self._address)
        except OSError as error:
            if not self._complained:
                _log.warning("systemd_unreachable", reason=str(error))
            self._complained = True
