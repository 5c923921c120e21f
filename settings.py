"""Settings: one frozen struct, read from the environment once."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

_MIN_BCRYPT_COST = 12
_SHORTEST_MASTER_KEY = 32


class SettingsError(ValueError):
    """A setting that can't be used; the message names it and what it takes."""


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
    bcrypt_cost: int = _MIN_BCRYPT_COST
    host: str = "127.0.0.1"
    log_level: str = "info"
    max_body: int = 1_048_576
    pool_size: int = 16
    checkpoint_folder: Path | None = None
    """Where signed checkpoints of the log are kept; without one, in the data folder."""
    checkpoint_seconds: int = 3600
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

    def number(name: str, default: int, least: int) -> int:
        text = environ.get(name, str(default))
        if not text.isdecimal() or int(text) < least:
            raise SettingsError(f"{name} must be a whole number from {least}, not {text!r}")
        return int(text)

    search = environ.get("RAPPORT_SEARCH", "opensearch")
    if search not in {"opensearch", "postgres"}:
        raise SettingsError(f"RAPPORT_SEARCH must be opensearch or postgres, not {search!r}")
    testing = environ.get("RAPPORT_TESTING") == "1"
    return Settings(
        data=Path(environ.get("RAPPORT_DATA", ".data")).absolute(),
        secret=environ.get("RAPPORT_SECRET"),
        master_key=_master_key(environ),
        postgres_dsn=environ.get("RAPPORT_POSTGRES_DSN"),
        postgres_read_dsn=environ.get("RAPPORT_POSTGRES_READ_DSN"),
        nats_url=environ.get("RAPPORT_NATS_URL"),
        valkey_url=environ.get("RAPPORT_VALKEY_URL"),
        opensearch_url=environ.get("RAPPORT_OPENSEARCH_URL"),
        search=search,
        access_ttl=number("RAPPORT_ACCESS_TTL", 86_400, 1),
        refresh_ttl=number("RAPPORT_REFRESH_TTL", 2_592_000, 60),
        mail_from=environ.get("RAPPORT_MAIL_FROM", "Rapport <no-reply@rapport.invalid>"),
        # A cheaper hash is for tests alone, where people's passwords are made up.
        bcrypt_cost=number("RAPPORT_BCRYPT_COST", _MIN_BCRYPT_COST, 4 if testing else _MIN_BCRYPT_COST),
        host=environ.get("RAPPORT_HOST", "127.0.0.1"),
        log_level=environ.get("RAPPORT_LOG_LEVEL", "info").lower(),
        max_body=number("RAPPORT_MAX_BODY", 1_048_576, 1024),
        pool_size=number("RAPPORT_POOL_SIZE", 16, 2),
        checkpoint_folder=Path(folder).absolute() if (folder := environ.get("RAPPORT_CHECKPOINT_FOLDER")) else None,
        checkpoint_seconds=number("RAPPORT_CHECKPOINT_SECONDS", 3600, 1),
        metrics_token=environ.get("RAPPORT_METRICS_TOKEN") or None,
    )


def _master_key(environ: Mapping[str, str]) -> str | None:
    text, file = environ.get("RAPPORT_MASTER_KEY"), environ.get("RAPPORT_MASTER_KEY_FILE")
    if file:
        if text:
            raise SettingsError("RAPPORT_MASTER_KEY and RAPPORT_MASTER_KEY_FILE exclude each other")
        try:
            text = Path(file).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"RAPPORT_MASTER_KEY_FILE can't be read: {error}") from error
    if text is not None and (not text.split() or min(map(len, text.split())) < _SHORTEST_MASTER_KEY):
        raise SettingsError(f"a master key needs at least {_SHORTEST_MASTER_KEY} characters, none of them blank")
    return text
