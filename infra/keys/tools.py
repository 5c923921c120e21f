"""What the command line does to keys: signing keys take turns, tenants' keys are wrapped by another master key."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from domain.errors import DomainError
from infra.keys import rotation, turns
from infra.keys.master import UnknownMasterError
from infra.keys.turns import Turn
from infra.local import running
from infra.wiring import NotConfiguredError, master_of, postgres_dsn, secret_of
from settings import Settings


class KeyTools:
    """Implements api.cli.ports.Keys."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def rotate(self, *, at_once: bool) -> str:
        """See the port."""
        with self._administrator() as dsn:
            return turns.rotate(dsn, secret_of(self._settings), self._settings.access_ttl, at_once=at_once)

    def turns(self) -> list[Turn]:
        """See the port."""
        with self._administrator() as dsn:
            return turns.turns(dsn)

    def rewrap(self, *, on_start: Callable[[int], None], on_progress: Callable[[int], None]) -> int:
        """See the port."""
        with self._administrator() as dsn:
            return rotation.rewrap(dsn, master_of(self._settings), on_progress, on_start=on_start)

    @contextmanager
    def _administrator(self) -> Iterator[str]:
        """The DSN of an administrator; what can't be done with it is refused in a sentence."""
        try:
            yield postgres_dsn(running(self._settings))
        except NotConfiguredError as error:
            raise DomainError("settings.missing", str(error)) from error
        except UnknownMasterError as error:
            raise DomainError(
                "master_key.unknown",
                str(error),
                hint="Give the new master key and the old one: RAPPORT_MASTER_KEY='NEW OLD'.",
            ) from error
        except psycopg.Error as error:
            raise DomainError(
                "keys.refused",
                f"the keys can't be changed: {str(error).strip()}",
                hint="RAPPORT_POSTGRES_DSN must name a reachable database, and a role that may create roles.",
            ) from error
