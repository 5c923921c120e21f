"""`rapport up`: the local servers, the schema, and the role processes, as one thing to start and stop."""

import http.client
import os
import random
import socket
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs

from infra.embedded import client
from infra.embedded.memory import buffers_mb, memory
from infra.embedded.ports import is_free
from infra.embedded.protocol import EmbeddedError, ServerEvent, ServerName
from infra.postgres import SERVICE, role_dsn
from infra.priority import take_short_turns
from infra.processes import RoleProcesses
from infra.wiring import postgres_dsn, secret_of
from settings import Settings

API, WORKER = "api", "worker"
ROLES = (API, "relay", "projector", WORKER)
OPENSEARCH_PORTS = range(9201, 9300)
_ALIASES = {"identity": API, "crm": API}

_NOTE = Path("secrets") / "running.json"
_READY_SECONDS = 90.0
_DRAIN_SECONDS = 5.0
_HEAD_START_SECONDS = 3.0
"""So long after the other servers the start of OpenSearch begins: the roles start meanwhile."""


class StartError(Exception):
    """Something is in the way; the message says what and the hint how to get rid of it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def roles_of(names: Collection[str]) -> tuple[str, ...]:
    """The roles behind names: identity and crm are both served by the API process.

    Raises:
        StartError: there is no such role.
    """
    unknown = sorted(set(names) - set(ROLES) - set(_ALIASES))
    if unknown:
        raise StartError(f"there is no role {unknown[0]}", f"Roles are {', '.join((*ROLES, *_ALIASES))}.")
    return tuple(role for role in ROLES if role in {_ALIASES.get(name, name) for name in names})


class Local:
    """An installation on this machine. Implements api.cli.ports.Installation."""

    def __init__(
        self, settings: Settings, *, port: int, roles: Sequence[str], on_event: Callable[[ServerEvent], None]
    ) -> None:
        self.settings = settings
        self._port = port or _any_free_port()
        self._names = roles
        self._on_event = on_event
        self._servers: client.Embedded | None = None
        self._roles: RoleProcesses | None = None
        self._admin_dsn: str | None = None
        self._runs_opensearch = False
        self._noted = False

    @property
    def _url(self) -> str:
        host = "127.0.0.1" if self.settings.host in {"0.0.0.0", "::"} else self.settings.host  # noqa: S104
        return f"http://{host}:{self._port}"

    def start_servers(self) -> Settings:
        """Start what is not external; returns the settings with every address filled in.

        Raises:
            StartError: a port is in use, or a server can't run.
        """
        if API in self._names:
            _check_port(self.settings.host, self._port)
        take_short_turns()  # and with this process all that it starts; roles that nobody waits for give way again
        given = self.settings
        wanted: dict[ServerName, str | None] = {
            "postgres": given.postgres_dsn,
            "nats": given.nats_url,
            "valkey": given.valkey_url,
        }
        if given.search == "opensearch":
            wanted["opensearch"] = given.opensearch_url
        names = [name for name, url in wanted.items() if not url]
        self._runs_opensearch = "opensearch" in names
        ports: dict[str, int] = {}
        if self._runs_opensearch:
            # Chosen here, because the roles are told its address before it is there.
            ports["opensearch"] = _opensearch_port()
        if names:
            try:
                self._servers = client.start(
                    given.data,
                    names,
                    ports=ports,
                    on_event=self._on_event,
                    buffers_mb=buffers_mb(memory()),
                    head_start=_HEAD_START_SECONDS,
                )
            except EmbeddedError as error:
                raise StartError(error.message, error.hint) from error
            found = self._servers.endpoints
            self._admin_dsn = found.postgres_admin
            self.settings = structs.replace(
                given,
                postgres_dsn=given.postgres_dsn or found.postgres_admin,
                nats_url=given.nats_url or found.nats,
                valkey_url=given.valkey_url or found.valkey,
                opensearch_url=given.opensearch_url
                or (f"http://127.0.0.1:{ports['opensearch']}" if "opensearch" in ports else None),
            )
        self._note()
        return self.settings

    def _note(self) -> None:
        """Leave the addresses in the data folder, for other commands on it. They carry passwords."""
        note = self.settings.data / _NOTE
        note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        values = {name: getattr(self.settings, name) for name in _Note.__struct_fields__ if name != "pid"}
        note.touch(mode=0o600)
        self._noted = True
        note.write_bytes(msgspec.json.encode(_Note(pid=os.getpid(), **values)))

    def start_roles(self) -> None:
        """Start the role processes, and wait until the API answers.

        Raises:
            StartError: a role does not come up.
        """
        self._roles = RoleProcesses(_environment(self.settings), self.settings.data / "logs")
        for role in self._names:
            if role != WORKER:
                self._roles.start(role, *((str(self._port),) if role == API else ()))
        deadline = time.monotonic() + _READY_SECONDS
        while API in self._names and not _answers(self._url):
            self._roles.watch()
            if self._roles.failed(API) or time.monotonic() > deadline:
                raise StartError("the API does not come up", f"See {self.settings.data / 'logs' / 'api.log'} for why.")
            time.sleep(0.02)
        if WORKER in self._names:  # last, so that nobody waits for it
            self._roles.start(WORKER)

    def stop(self) -> None:
        """Drain requests, then stop everything."""
        if self._roles:
            self._roles.stop(_DRAIN_SECONDS)
        if self._servers:
            self._servers.stop()
        if self._noted:
            (self.settings.data / _NOTE).unlink(missing_ok=True)

    def watch(self) -> None:
        """Look after the role processes; to be called a few times a second."""
        if self._roles:
            self._roles.watch()

    def ready(self) -> dict[str, Any]:
        """Where everything is, as `rapport up --json` tells it; None for what is not there (yet)."""
        settings, secret = self.settings, secret_of(self.settings)
        mails = settings.data / "mail"
        return {
            "url": self._url if API in self._names else None,
            "grpc": None,
            "postgres": role_dsn(postgres_dsn(settings), SERVICE, secret),
            "postgres_admin": self._admin_dsn or settings.postgres_dsn,
            "nats": settings.nats_url,
            "valkey": settings.valkey_url,
            "opensearch": settings.opensearch_url if self._opensearch_answers() else None,
            "mail_folder": str(mails) if mails.exists() else None,
            "pid": os.getpid(),
        }

    def _opensearch_answers(self) -> bool:
        if self.settings.search != "opensearch":
            return False
        own = self._servers.endpoints.opensearch if self._servers else None
        return bool(own) or not self._runs_opensearch


def running(settings: Settings) -> Settings:
    """The settings with the addresses of a `rapport up` that runs on the same data folder, where none are given."""
    note = settings.data / _NOTE
    if settings.postgres_dsn or not note.exists():
        return settings
    found = msgspec.json.decode(note.read_bytes(), type=_Note)
    if not Path(f"/proc/{found.pid}").exists():
        return settings
    return structs.replace(
        settings, **{name: getattr(found, name) for name in _Note.__struct_fields__ if name != "pid"}
    )


class _Note(Struct, frozen=True):
    pid: int
    postgres_dsn: str | None
    nats_url: str | None
    valkey_url: str | None
    opensearch_url: str | None


def _environment(settings: Settings) -> dict[str, str]:
    """The settings as the roles read them; without the superuser's password, which no role needs."""
    replica = settings.postgres_read_dsn
    values = {
        "RAPPORT_DATA": str(settings.data),
        "RAPPORT_POSTGRES_DSN": _without_user(settings.postgres_dsn or ""),
        "RAPPORT_POSTGRES_READ_DSN": _without_user(replica) if replica else None,
        "RAPPORT_NATS_URL": settings.nats_url,
        "RAPPORT_VALKEY_URL": settings.valkey_url,
        "RAPPORT_OPENSEARCH_URL": settings.opensearch_url,
        "RAPPORT_SEARCH": settings.search,
        "RAPPORT_HOST": settings.host,
    }
    return {name: value for name, value in values.items() if value}


def _without_user(dsn: str) -> str:
    scheme, _, rest = dsn.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StartError(
                f"port {port} on {host} can't be used: {error.strerror}", "Free it, or choose another with --port."
            ) from error


def _any_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _opensearch_port() -> int:
    """A free port among those that OpenSearch takes; at random, so that installations side by side don't meet."""
    for port in random.sample(OPENSEARCH_PORTS, len(OPENSEARCH_PORTS)):
        if is_free(port):
            return port
    raise StartError("no port that OpenSearch could use is free", "Free one of 9201 to 9299, or use --search postgres.")


def _answers(url: str) -> bool:
    host = url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=1)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()
