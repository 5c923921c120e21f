"""Settings: one frozen struct, read from the environment once."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

_MIN_BCRYPT_COST = 12


class SettingsError(ValueError):
    """A setting that can't be used; the message names it and what it takes."""


class Settings(Struct, frozen=True, kw_only=True):
    """What can be set from outside. Times in seconds, sizes in bytes unless the name says otherwise."""

    data: Path = Path(".data")
    """Folder of the local servers and of the installation's secret."""
    secret: str | None = None
    """Root of all keys, 32 characters at least. Without it one is made in the data folder."""
    postgres_dsn: str | None = None
    nats_url: str | None = None
    valkey_url: str | None = None
    opensearch_url: str | None = None
    """External servers; what is not given runs locally."""
    search: str = "opensearch"
    """Backend of contact search: opensearch (with Postgres as its fallback) or postgres."""
    access_ttl: int = 86_400
    bcrypt_cost: int = _MIN_BCRYPT_COST
    host: str = "127.0.0.1"
    log_level: str = "info"
    max_body: int = 1_048_576
    pool_size: int = 16


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
        postgres_dsn=environ.get("RAPPORT_POSTGRES_DSN"),
        nats_url=environ.get("RAPPORT_NATS_URL"),
        valkey_url=environ.get("RAPPORT_VALKEY_URL"),
        opensearch_url=environ.get("RAPPORT_OPENSEARCH_URL"),
        search=search,
        access_ttl=number("RAPPORT_ACCESS_TTL", 86_400, 1),
        # A cheaper hash is for tests alone, where people's passwords are made up.
        bcrypt_cost=number("RAPPORT_BCRYPT_COST", _MIN_BCRYPT_COST, 4 if testing else _MIN_BCRYPT_COST),
        host=environ.get("RAPPORT_HOST", "127.0.0.1"),
        log_level=environ.get("RAPPORT_LOG_LEVEL", "info").lower(),
        max_body=number("RAPPORT_MAX_BODY", 1_048_576, 1024),
        pool_size=number("RAPPORT_POOL_SIZE", 16, 2),
    )
