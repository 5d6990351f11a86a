"""Where the broker is and how to prove who we are."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from edge_agent.errors import ConfigError

_DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """A broker, with everything that is needed to be let in.

    ``password`` stays out of ``repr``.  ``ca_file`` replaces the system's certificate authorities;
    ``cert_file`` and ``key_file`` are the client's own certificate.
    """

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @classmethod
    def parse(  # noqa: PLR0913  one argument per setting
        cls,
        url: str,
        *,
        username: str | None = None,
        password: str | None = None,
        ca_file: Path | None = None,
        cert_file: Path | None = None,
        key_file: Path | None = None,
    ) -> "BrokerAddress":
        """Return the address that ``mqtt://host:port`` or ``mqtts://host:port`` names.

        Raises:
            ConfigError: Not such a URL.  The message never repeats the URL, since a person may have
                put a password into it, which has its own setting.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ConfigError(f"the broker URL cannot be read: {error}") from None
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ConfigError("the broker URL must read mqtt://host:port or mqtts://host:port")
        if parts.username is not None or parts.password is not None:
            raise ConfigError("the broker URL must not hold a user name or password")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ConfigError("the broker URL must end after the port")
        if port == 0:
            raise ConfigError("the broker URL must not name port 0")
        tls = parts.scheme == "mqtts"
        if not tls and (ca_file or cert_file or key_file):
            raise ConfigError("certificate files need a broker URL that begins with mqtts://")
        if bool(cert_file) != bool(key_file):
            raise ConfigError("the client certificate and its key must be given together")
        return cls(
            parts.hostname,
            port or _DEFAULT_PORTS[parts.scheme],
            tls,
            username,
            password,
            ca_file,
            cert_file,
            key_file,
        )

    def tls_context(self) -> ssl.SSLContext | None:
        """Return a context that verifies chain and host name, or ``None`` for plain TCP.

        Raises:
            ConfigError: A certificate or key file cannot be read or does not fit.
        """
        if not self.tls:
            return None
        files = [str(path) for path in (self.ca_file, self.cert_file, self.key_file) if path]
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file:
                # The empty pass phrase turns OpenSSL's prompt on a terminal into an error.
                context.load_cert_chain(self.cert_file, self.key_file, password="")
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise ConfigError(f"cannot use {', '.join(files)} for TLS: {error}") from error
        return context

    def __str__(self) -> str:
        """Return the address as a person writes it, without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"
