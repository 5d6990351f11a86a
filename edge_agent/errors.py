"""What can go wrong, sorted by who must act.

Bad input is not in here: a payload that makes no sense is a value, ``records.Reject``.
``ValueError`` means our own bug.  Each class carries the exit code that ``cli.main`` returns.
"""


class AgentError(Exception):
    """Base of every error that the agent raises on purpose."""

    exit_code = 70


class ConfigError(AgentError):
    """A setting or file is wrong; a person must change it before the agent can start."""

    exit_code = 78


class ModelPackageError(AgentError):
    """A model package is unreadable, altered or unfit for this agent; a person must replace it."""

    exit_code = 78


class StorageError(AgentError):
    """The state directory cannot be read or written; nothing may be acknowledged any more."""

    exit_code = 74


class DeliveryError(AgentError):
    """The broker did not take a document; the alert is kept and tried again."""
