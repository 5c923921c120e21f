"""What the parent and the supervisor say to each other: one JSON line a message, over stdin and stdout."""

from typing import Final, Literal, Self, get_args

import msgspec

ServerName = Literal["postgres", "nats", "valkey", "opensearch"]
SERVER_NAMES: Final[tuple[ServerName, ...]] = get_args(ServerName)

EventKind = Literal["starting", "progress", "ready", "failed", "restarting"]


class Order(msgspec.Struct, frozen=True):
    """The first and only line on the supervisor's stdin. End of file on stdin means: stop everything.

    `ports` holds fixed TCP ports; a server without one gets a free port. In megabytes: `heap_mb` is OpenSearch's heap,
    `buffers_mb` what Postgres keeps pages in, `min_free_mb` the free disk space below which nothing is started.
    OpenSearch is started `head_start` seconds after the others are ready.
    """

    data: str
    servers: tuple[ServerName, ...]
    ports: dict[str, int]
    cache: str
    parent: int
    heap_mb: int = 512
    buffers_mb: int = 256
    min_free_mb: int = 200
    head_start: float = 0.0


class EmbeddedError(Exception):
    """A local server can't run. `code` is stable, `message` names the path or port, `hint` says what cures it."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        """Keep the three parts apart; str() joins message and hint."""
        super().__init__(f"{message} {hint}".strip())
        self.code = code
        self.message = message
        self.hint = hint


class ServerEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line on the supervisor's stdout. `server` is None when the message is about all of them.

    `starting` and `ready` carry pid and port, `ready` the URL (with the password in it: don't log it), `failed`
    a code, a message and a hint (the cure), `restarting` and `progress` a message.
    """

    kind: EventKind
    server: ServerName | None = None
    url: str | None = None
    pid: int | None = None
    port: int | None = None
    code: str | None = None
    message: str = ""
    hint: str = ""

    @classmethod
    def failure(cls, error: EmbeddedError, server: ServerName | None = None) -> Self:
        """The event that carries an error over to the parent."""
        return cls("failed", server, code=error.code, message=error.message, hint=error.hint)

    @property
    def error(self) -> EmbeddedError:
        """The error that a `failed` event carries."""
        return EmbeddedError(self.code or "", self.message, self.hint)
