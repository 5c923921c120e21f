"""The eventsourcing library's own projection runner, keeping a table of contacts from its own events in Postgres."""

import time
from collections.abc import Sequence
from functools import singledispatchmethod
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, DomainEvent, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL
from psycopg.types.json import Jsonb

_DATABASE = "library"
_TABLE = """
CREATE TABLE IF NOT EXISTS contact (
    id uuid PRIMARY KEY, version integer NOT NULL, name jsonb NOT NULL, emails jsonb NOT NULL, phones jsonb NOT NULL,
    title text, tags text[] NOT NULL)
"""
_REGISTER = "INSERT INTO contact VALUES (%s, 1, %s, %s, %s, %s, %s)"
_CHANGE = """UPDATE contact SET version = version + 1, title = coalesce(%s, title), tags = coalesce(%s, tags),
    emails = coalesce(%s, emails) WHERE id = %s"""


class Contact(Aggregate):
    """A contact as the library would have it."""

    class Registered(Aggregate.Created):
        """A contact became known."""

        name: dict[str, str]
        emails: list[dict[str, Any]]
        phones: list[dict[str, Any]]
        title: str
        tags: list[str]

    class Changed(Aggregate.Event):
        """What is given was set."""

        title: str | None
        tags: list[str] | None
        emails: list[dict[str, Any]] | None

    @event(Registered)
    def __init__(
        self,
        name: dict[str, str],
        emails: list[dict[str, Any]],
        phones: list[dict[str, Any]],
        title: str,
        tags: list[str],
    ) -> None:
        self.name, self.emails, self.phones, self.title, self.tags = name, emails, phones, title, tags

    @event(Changed)
    def change(
        self, title: str | None = None, tags: list[str] | None = None, emails: list[dict[str, Any]] | None = None
    ) -> None:
        """Set what is given."""
        self.title, self.tags, self.emails = title or self.title, tags or self.tags, emails or self.emails


class Contacts(Application[UUID]):
    """Writes contacts."""


class View(PostgresTrackingRecorder):
    """The table, written in one transaction with the position."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.sql_create_statements.append(SQL(_TABLE).format())

    def write(self, tracking: Tracking, statement: str, parameters: Sequence[Any]) -> None:
        """One statement, and the position moved."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(statement, parameters)


class Rows(Projection[View]):
    """Events to rows."""

    name = "rows"

    @singledispatchmethod
    def process_event(self, domain_event: DomainEvent, tracking: Tracking) -> None:
        """See the library."""
        raise TypeError(f"{type(domain_event)} at {tracking.notification_id}")

    @process_event.register
    def _registered(self, said: Contact.Registered, tracking: Tracking) -> None:
        row = (said.originator_id, Jsonb(said.name), Jsonb(said.emails), Jsonb(said.phones), said.title, said.tags)
        self.view.write(tracking, _REGISTER, row)

    @process_event.register
    def _changed(self, said: Contact.Changed, tracking: Tracking) -> None:
        emails = None if said.emails is None else Jsonb(said.emails)
        self.view.write(tracking, _CHANGE, (said.title, said.tags, emails, said.originator_id))


def rate(dsn: str, count: int) -> float:
    """Events per second of its runner, over so many events, in a database of its own on the same server."""
    parts = urlsplit(dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {_DATABASE}")
        # As for our projector: what can be derived again need not wait for the disk.
        connection.execute(f"ALTER DATABASE {_DATABASE} SET synchronous_commit = off")
    env = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": _DATABASE,
        "POSTGRES_HOST": parts.hostname or "",
        "POSTGRES_PORT": str(parts.port),
        "POSTGRES_USER": parts.username or "",
        "POSTGRES_PASSWORD": parts.password or "",
    }
    with Contacts(env=env) as application:
        _fill(application, count)
    started = time.perf_counter()
    with ProjectionRunner(application_class=Contacts, projection_class=Rows, view_class=View, env=env) as runner:
        runner.wait(count, timeout=120)
        return count / (time.perf_counter() - started)


def _fill(application: Contacts, count: int) -> None:
    for number in range(count // 4):
        name = {"given": "Ada", "family": f"Lovelace {number}", "display": f"Ada Lovelace {number}"}
        mail = [{"value": f"ada.{number}@engines.example", "kind": "work", "primary": True}]
        phone = [{"value": f"+4420{number:08}", "kind": "work", "primary": True}]
        contact = Contact(name, mail, phone, "Analyst", ["imported", f"list {number % 50}"])
        contact.change(title="Engineer")
        contact.change(tags=["customer", f"list {number % 50}"])
        contact.change(emails=[{**mail[0], "value": f"ada.{number}@analytical.example"}])
        application.save(contact)
