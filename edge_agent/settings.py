"""Settings from the environment, checked before anything connects.

pydantic-settings ignores a misspelled name, and a gateway would run for months with the default
that somebody meant to change; so unknown ``EDGE_AGENT_*`` names are an error here.
"""

import difflib
import os
import socket
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from edge_agent.core.records import NS_PER_S
from edge_agent.core.site import Caps, Site, WindowSpec
from edge_agent.core.topics import BadTemplate, Template
from edge_agent.errors import ConfigError
from edge_agent.site_file import SiteFile, read_site_file

PREFIX = "EDGE_AGENT_"
_SHIPPED_MODELS = Path(str(files("edge_agent"))) / "models"

_MOST_WINDOWS_OPEN = 10_000  # of one asset: each sample goes into WINDOW_S / HOP_S windows
_MAY_BE_EMPTY = ("sensor_topics", "log_topics")  # a list with nothing in it says something

Seconds = Annotated[float, Field(gt=0, le=366 * 86400, allow_inf_nan=False)]
TopicList = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """Everything a first run needs; ``systemd/edge-agent.env.example`` documents each name."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    broker_url: str = "mqtt://localhost:1883"
    broker_username: str | None = None
    broker_password_file: Path | None = None
    broker_ca_file: Path | None = None
    broker_cert_file: Path | None = None
    broker_key_file: Path | None = None
    node: str = Field(default_factory=socket.gethostname)
    topic_root: str = "edge-agent"
    sensor_topics: TopicList = ("plant/{area}/{asset}/{channel}",)
    log_topics: TopicList = ("plant/{area}/{asset}/log",)
    state_dir: Path = Path("/var/lib/edge-agent")
    sensor_model: Path = _SHIPPED_MODELS / "sensor-lstm"
    log_model: Path = _SHIPPED_MODELS / "log-albert"
    model_public_key: Path | None = None
    site_file: Path | None = None
    window_s: Seconds = 10.0
    hop_s: Annotated[float, Field(ge=0.01, le=366 * 86400, allow_inf_nan=False)] = 5.0
    lateness_s: Annotated[float, Field(ge=0, le=86400, allow_inf_nan=False)] = 2.0
    commissioning_s: Seconds = 3600.0
    max_assets: Annotated[int, Field(ge=1, le=100_000)] = 256
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "journal", "json", "console"] = "auto"
    threads: Annotated[int, Field(ge=1, le=64)] = 1

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, values: dict[str, object]) -> dict[str, object]:
        """Strip values, and take an empty one for none; ``NAME=`` is how env files unset a name.

        ``env_ignore_empty`` of pydantic-settings would drop the empty topic lists, too.
        """
        stripped = {
            name: value.strip() if isinstance(value, str) else value
            for name, value in values.items()
        }
        return {
            name: value for name, value in stripped.items() if value != "" or name in _MAY_BE_EMPTY
        }

    @field_validator("sensor_topics", "log_topics", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("sensor_topics", "log_topics")
    @classmethod
    def _check_templates(cls, templates: tuple[str, ...]) -> tuple[str, ...]:
        for text in templates:
            parsed = Template.parse(text)
            if isinstance(parsed, BadTemplate):
                message = f"bad topic template {text!r}: {parsed.reason}"
                raise ValueError(message)  # noqa: TRY004  (pydantic wants ValueError)
        return templates

    @field_validator("node", "topic_root")
    @classmethod
    def _check_levels(cls, value: str) -> str:
        if not value or value != value.strip("/ ") or set(value) & set("+#\0"):
            raise ValueError("must be a topic without leading or trailing slash, + or #")
        return value

    @field_validator("node")
    @classmethod
    def _one_level(cls, value: str) -> str:
        if "/" in value:
            raise ValueError("must be a single topic level")
        return value

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.hop_s > self.window_s:
            raise ValueError("HOP_S must not be longer than WINDOW_S: samples would be skipped")
        if self.window_s > _MOST_WINDOWS_OPEN * self.hop_s:
            raise ValueError(f"WINDOW_S must not be more than {_MOST_WINDOWS_OPEN} times HOP_S")
        if not (self.sensor_topics or self.log_topics):
            raise ValueError("SENSOR_TOPICS and LOG_TOPICS are both empty: nothing to do")
        return self

    @property
    def base_topic(self) -> str:
        """Return the topic under which everything of this node is published."""
        return f"{self.topic_root}/{self.node}"


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings in the environment, every one checked.

    Args:
        environ: Where unknown names are looked for; values always come from ``os.environ``.

    Raises:
        ConfigError: A name is unknown or a value is wrong; one line for each, values left out.
    """
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for name in sorted(environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            close = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ConfigError(f"{name} is not a setting{hint}")
    try:
        return Settings()
    except ValidationError as error:
        raise ConfigError("\n".join(_lines(error))) from None


def load_site(settings: Settings) -> Site:
    """Return what the core has to know: settings and the optional site file together.

    Raises:
        ConfigError: The site file cannot be read or says something impossible.
    """
    path = settings.site_file
    site_file = read_site_file(path) if path else SiteFile()
    return Site(
        node=settings.node,
        sensor_topics=settings.sensor_topics,
        log_topics=settings.log_topics,
        window=WindowSpec(
            length_ns=_ns(settings.window_s),
            hop_ns=_ns(settings.hop_s),
            lateness_ns=_ns(settings.lateness_s),
        ),
        commissioning_ns=_ns(settings.commissioning_s),
        alarms=site_file.alarm_spec(settings.hop_s),
        caps=Caps(assets=settings.max_assets),
        binary_topics=site_file.binary_topics(),
        assets=site_file.asset_sites(),
    )


def read_password(path: Path | None) -> str | None:
    """Return the password in the file, without the newline that editors add.

    Raises:
        ConfigError: The file cannot be read; the message names it and nothing of its content.
    """
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text") from None


def _ns(seconds: float) -> int:
    return round(seconds * NS_PER_S)


def _lines(error: ValidationError) -> list[str]:
    lines = []
    for item in error.errors(include_input=False, include_url=False):
        name = "_".join(str(part) for part in item["loc"]).upper()
        reason = item["msg"].removeprefix("Value error, ")
        lines.append(f"{PREFIX}{name}: {reason}" if name else f"settings: {reason}")
    return lines
