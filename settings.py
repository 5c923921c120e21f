"""Settings: one frozen struct, read from the environment once."""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import unquote, urlsplit
from uuid import UUID

from msgspec import Struct

from commands.limits import Limits, Plan, limit, rates

T = TypeVar("T")

_MIN_BCRYPT_COST = 12
_MAX_BCRYPT_COST = 31
_SHORTEST_KEY = 32
_LONGEST_SWEEP = 60
_LONGEST_TTL = 100 * 365 * 86_400
_LOG_LEVELS = ("debug", "info", "warning", "error", "critical")


class SettingsError(ValueError):
    """A setting that can't be used; the message names it and what it takes."""


class SmtpServer(Struct, frozen=True):
    """Where mails go; `user` and `password` are None where the server asks for neither."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    tls: Literal["from the start", "required", "if offered", "off"] = "if offered"


class Settings(Struct, frozen=True, kw_only=True):
    """What can be set from outside. Times in seconds, sizes in bytes unless the name says otherwise."""

    data: Path = Path(".data")
    """Folder of the local servers and of the installation's secret."""
    secret: str | None = None
    """Root of all keys, 32 characters at least. Without it one is made in the data folder."""
    master_key: str | None = None
    """Master keys of personal data, between blanks: the first wraps, the others still unwrap. Without one, the secret
    gives it."""
    postgres_dsn: str | None = None
    postgres_read_dsn: str | None = None
    """A read replica of it, which answers queries while it is near enough."""
    nats_url: str | None = None
    valkey_url: str | None = None
    opensearch_url: str | None = None
    """External servers; what is not given runs locally."""
    search: str = "opensearch"
    """Backend of contact search: opensearch (with Postgres as its fallback) or postgres."""
    access_ttl: int = 86_400
    refresh_ttl: int = 2_592_000
    """A session that nobody refreshes for so long is over."""
    mail_from: str = "Rapport <no-reply@rapport.invalid>"
    smtp: SmtpServer | None = None
    """Without one, mails are written to a folder."""
    bcrypt_cost: int = _MIN_BCRYPT_COST
    host: str = "127.0.0.1"
    log_level: str = "info"
    max_body: int = 1_048_576
    import_bytes: int = 500 * 1_048_576
    """How long a file of contacts may be."""
    inbound_bytes: int = 25 * 1_048_576
    """How long an e-mail may be that is brought in."""
    inbound_folder: Path | None = None
    """Where e-mails are left that are to be brought in, in a folder for each tenant; without one, nowhere."""
    body_seconds: int = 30
    """How long a body may take to arrive."""
    idle_seconds: int = 60
    """How long a connection may take to send the head of its next request."""
    pool_size: int = 16
    valkey_timeout_ms: int = 20
    """How long a request waits for Valkey before it goes on without."""
    limits: Limits = Limits()
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Who is believed when it says, in X-Forwarded-For, whom it speaks for."""
    checkpoint_folder: Path | None = None
    """Where signed checkpoints of the log are kept; without one, in the data folder."""
    checkpoint_seconds: int = 3600
    sweep_seconds: int = 60
    """How often leads are looked through for such as nothing happens with, at least."""
    metrics_token: str | None = None
    """Who sends it may read /metrics; without one, whoever asks from this machine itself."""

    @property
    def checkpoints(self) -> Path:
        """The folder of signed checkpoints."""
        return self.checkpoint_folder or self.data / "checkpoints"


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Settings as RAPPORT_* variables give them.

    Raises:
        SettingsError: one can't be used.
    """

    def number(name: str, default: int, least: int, most: int = sys.maxsize) -> int:
        text = environ.get(name, str(default))
        if not text.isdecimal() or int(text) < least:
            raise SettingsError(f"{name} must be a whole number from {least}, not {text!r}")
        if int(text) > most:
            raise SettingsError(f"{name} must be at most {most}, not {text}")
        return int(text)

    testing = environ.get("RAPPORT_TESTING") == "1"
    return Settings(
        data=Path(environ.get("RAPPORT_DATA", ".data")).absolute(),
        secret=_secret(environ),
        master_key=_master_key(environ),
        postgres_dsn=environ.get("RAPPORT_POSTGRES_DSN"),
        postgres_read_dsn=environ.get("RAPPORT_POSTGRES_READ_DSN"),
        nats_url=_url(environ, "RAPPORT_NATS_URL", "nats", "tls", "ws", "wss"),
        valkey_url=_url(environ, "RAPPORT_VALKEY_URL", "redis", "rediss", "valkey", "valkeys", "unix"),
        opensearch_url=_url(environ, "RAPPORT_OPENSEARCH_URL", "http", "https"),
        search=_one_of(environ, "RAPPORT_SEARCH", "opensearch", "postgres"),
        access_ttl=number("RAPPORT_ACCESS_TTL", 86_400, 1, _LONGEST_TTL),
        refresh_ttl=number("RAPPORT_REFRESH_TTL", 2_592_000, 60, _LONGEST_TTL),
        mail_from=environ.get("RAPPORT_MAIL_FROM", "Rapport <no-reply@rapport.invalid>"),
        smtp=_read(environ, "RAPPORT_SMTP_URL", _smtp, None),
        # A cheaper hash is for tests alone, where people's passwords are made up.
        bcrypt_cost=number(
            "RAPPORT_BCRYPT_COST", _MIN_BCRYPT_COST, 4 if testing else _MIN_BCRYPT_COST, _MAX_BCRYPT_COST
        ),
        host=environ.get("RAPPORT_HOST", "127.0.0.1"),
        log_level=_one_of(environ, "RAPPORT_LOG_LEVEL", "info", *_LOG_LEVELS),
        max_body=number("RAPPORT_MAX_BODY", 1_048_576, 1024),
        import_bytes=number("RAPPORT_IMPORT_MAX_MB", 500, 1) * 1_048_576,
        inbound_bytes=number("RAPPORT_INBOUND_MAX_MB", 25, 1) * 1_048_576,
        inbound_folder=Path(folder).absolute() if (folder := environ.get("RAPPORT_INBOUND_FOLDER")) else None,
        body_seconds=number("RAPPORT_BODY_SECONDS", 30, 1),
        idle_seconds=number("RAPPORT_IDLE_SECONDS", 60, 1),
        pool_size=number("RAPPORT_POOL_SIZE", 16, 2),
        valkey_timeout_ms=number("RAPPORT_VALKEY_TIMEOUT_MS", 20, 1),
        limits=_limits(environ),
        trusted_proxies=_read(environ, "RAPPORT_TRUSTED_PROXIES", _networks, ()),
        checkpoint_folder=Path(folder).absolute() if (folder := environ.get("RAPPORT_CHECKPOINT_FOLDER")) else None,
        checkpoint_seconds=number("RAPPORT_CHECKPOINT_SECONDS", 3600, 1),
        sweep_seconds=number("RAPPORT_SWEEP_SECONDS", 60, 1, _LONGEST_SWEEP),
        metrics_token=environ.get("RAPPORT_METRICS_TOKEN") or None,
    )


def _one_of(environ: Mapping[str, str], name: str, default: str, *others: str) -> str:
    text, allowed = environ.get(name, default).lower(), dict.fromkeys((default, *others))
    if text not in allowed:
        raise SettingsError(f"{name} must be one of {', '.join(allowed)}, not {text!r}")
    return text


def _url(environ: Mapping[str, str], name: str, *schemes: str) -> str | None:
    """An address that a client can read: some of them try again for ever, and say nothing, with one that they can't."""
    text = environ.get(name) or None
    if text and not text.startswith(tuple(f"{scheme}://" for scheme in schemes)):
        # Not the text: it may hold a password.
        raise SettingsError(f"{name} must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    return text


def _secret(environ: Mapping[str, str]) -> str | None:
    text = environ.get("RAPPORT_SECRET") or None
    if text and len(text.encode()) < _SHORTEST_KEY:
        raise SettingsError(f"RAPPORT_SECRET needs at least {_SHORTEST_KEY} characters")
    return text


def _master_key(environ: Mapping[str, str]) -> str | None:
    text, file = environ.get("RAPPORT_MASTER_KEY"), environ.get("RAPPORT_MASTER_KEY_FILE")
    if file:
        if text:
            raise SettingsError("RAPPORT_MASTER_KEY and RAPPORT_MASTER_KEY_FILE exclude each other")
        try:
            text = Path(file).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"RAPPORT_MASTER_KEY_FILE can't be read: {error}") from error
    if text is not None and (not text.split() or min(map(len, text.split())) < _SHORTEST_KEY):
        raise SettingsError(f"a master key needs at least {_SHORTEST_KEY} characters, none of them blank")
    return text


def _limits(environ: Mapping[str, str]) -> Limits:
    usual, no_plans = Limits(), dict[UUID, str]()
    base = _plan(environ, "", usual.usual)
    plans = _read(environ, "RAPPORT_PLANS", _tenants, no_plans)
    return Limits(
        auth=_read(environ, "RAPPORT_RATE_LIMIT_AUTH", partial(limit, "auth"), usual.auth),
        address=_read(environ, "RAPPORT_RATE_LIMIT_ADDRESS", partial(limit, "address"), usual.address),
        usual=base,
        tenants={tenant: _plan(environ, f"_{plan.upper()}", base) for tenant, plan in plans.items()},
    )


def _plan(environ: Mapping[str, str], suffix: str, otherwise: Plan) -> Plan:
    return Plan(
        user=_read(environ, f"RAPPORT_RATE_LIMIT_USER{suffix}", partial(rates, "user"), otherwise.user),
        key=_read(environ, f"RAPPORT_RATE_LIMIT_KEY{suffix}", partial(rates, "key"), otherwise.key),
        tenant=_read(environ, f"RAPPORT_RATE_LIMIT_TENANT{suffix}", partial(rates, "tenant"), otherwise.tenant),
    )


def _tenants(text: str) -> dict[UUID, str]:
    """Tenant to plan, from "large:<id>,<id> trial:<id>"."""
    found = {}
    for part in text.split():
        plan, _, ids = part.partition(":")
        found.update({UUID(tenant): plan for tenant in ids.split(",")})
    return found


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def _smtp(text: str) -> SmtpServer:
    """From smtp://user:password@host:port, or smtps:// where TLS is from the start; ?tls=off for a server without."""
    parts = urlsplit(text)
    user, password = (unquote(part) if part else None for part in (parts.username, parts.password))
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.query not in {"", "tls=off"}:
        raise ValueError("it is not like smtp://user:password@host:587 or smtps://user:password@host:465")
    if parts.scheme == "smtps":
        return SmtpServer(parts.hostname, parts.port or 465, user, password, "from the start")
    # A password goes over no line that others can read, unless that is asked for.
    tls: Literal["off", "required", "if offered"] = "off" if parts.query else "required" if password else "if offered"
    return SmtpServer(parts.hostname, parts.port or (587 if user else 25), user, password, tls)


def _read(environ: Mapping[str, str], name: str, parse: Callable[[str], T], otherwise: T) -> T:
    text = environ.get(name)
    if text is None:
        return otherwise
    try:
        return parse(text)
    except ValueError as error:
        raise SettingsError(f"{name} can't be used: {error}") from None
