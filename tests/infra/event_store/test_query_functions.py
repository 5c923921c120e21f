"""R6.2, invariant 4: every function that a role of one tenant may call, called for one tenant with everything that
another one has: nothing of the other's comes back, and nothing of it changes.

What a login has to know is let be: `owner_of_claim` tells whose a user's e-mail is to who has its HMAC, so the secret.
"""

import itertools
import json
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from domain.tenant import PLATFORM
from infra.event_store.codec import claim_hmac
from infra.postgres import RECORDER, SERVICE
from tests.conftest import SECRET, Database
from tests.infra.event_store.catalogue import Connection, names

pytestmark = pytest.mark.servers

_FUNCTIONS = """
SELECT n.nspname, p.proname, array(SELECT t::regtype::text FROM unnest(p.proargtypes) t)
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname IN ('store', 'read', 'ops') AND p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype
   AND has_function_privilege(%s, p.oid, 'EXECUTE') ORDER BY p.oid
"""
_IDS = """
SELECT stream_id FROM store.event WHERE tenant_id = %(tenant)s UNION SELECT id FROM store.session WHERE tenant_id = %(tenant)s
UNION SELECT user_id FROM store.session WHERE tenant_id = %(tenant)s UNION SELECT key_id FROM store.api_key_use WHERE tenant_id = %(tenant)s
"""  # noqa: E501
_MOST_CALLS = 150
_READ = {("read", "jsonb"): "jsonb of read"}
"""Functions of searches take conditions, not events."""


def functions(admin: Connection, role: str) -> list[tuple[str, str, list[str]]]:
    found = admin.execute(_FUNCTIONS, (role,)).fetchall()
    assert len(found) > 3
    return [(schema, name, list(types)) for schema, name, types in found]


def column(admin: Connection, query: LiteralString, tenant: UUID) -> list[Any]:
    """The values of a query of one column about a tenant."""
    return [value for (value,) in admin.execute(query, {"tenant": tenant}).fetchall()]


def rows(admin: Connection, tenant: UUID) -> dict[str, list[str]]:
    """Every row of a tenant, as text."""
    query = "SELECT t::text FROM {} t WHERE tenant_id = %s ORDER BY 1"
    return {
        ".".join(table): [
            row[0] for row in admin.execute(sql.SQL(query).format(sql.Identifier(*table)), (tenant,)).fetchall()
        ]
        for table in names(admin)
    }


def arguments(admin: Connection, other: UUID) -> dict[str, list[Any]]:
    """Of every type what the other tenant has, and what reaches far."""
    ids = [other, PLATFORM, *column(admin, _IDS, other)]
    digests = column(admin, "SELECT value_hmac FROM store.claim WHERE tenant_id = %(tenant)s", other)
    digests += [claim_hmac(SECRET, other, "contact.external_id/crm", "1")]
    digests += column(admin, "SELECT key_digest FROM store.command WHERE tenant_id = %(tenant)s", other)
    near = column(admin, "SELECT unnest(near) FROM read.contact_vocabulary_v1 WHERE tenant_id = %(tenant)s", other)
    words = column(admin, "SELECT unnest(words) FROM read.contact_words_v1 WHERE tenant_id = %(tenant)s", other)
    said = (
        "SELECT quote_literal(w.lexeme) || ':*' FROM read.timeline_v1 t, unnest(t.words) w WHERE tenant_id = %(tenant)s"
    )
    asked = column(admin, said, other)
    assert min(map(len, (ids, digests, near, words))) > 2
    assert asked
    event = {"a": 1, "stream": str(ids[2]), "first": True, "topic": "t", "data": "{}", "metadata": "{}"}
    event |= {"occurred_at": "2026-01-01T00:00:00Z"}
    return {
        "uuid": ids,
        "uuid[]": [ids, ids[2:3]],
        "bytea": digests,
        "bytea[]": [digests, digests[:1]],
        "text": ["user.email", "contact.external_id/crm", "hopper", "fold", "app", "day", "UTC", str(other)],
        "text[]": [["hopper", "grace", "lovelace"], ["topic"], asked],
        "bigint": [1, 10**9],
        "bigint[]": [words],
        "smallint[]": [[1] * len(words)],
        "real[]": [[1.0] * len(words)],
        "smallint": [None, 1023],
        "integer": [1, 40],
        "integer[]": [near, [1] * len(digests), [1]],
        "boolean": [False, True],
        "interval": ["0 seconds", "100 years"],
        "timestamp with time zone": ["infinity", "2020-01-01T00:00:00Z"],
        "timestamp with time zone[]": [["2026-01-01T00:00:00Z"] * len(ids), ["2026-01-01T00:00:00Z"]],
        "jsonb": [json.dumps([event | {"version": version}]) for version in (1, 2)],
        "jsonb of read": [json.dumps(each) for each in ({}, *_conditions(ids, words))],
    }


def _conditions(ids: Sequence[Any], words: Sequence[int]) -> tuple[Any, ...]:
    """What a search by conditions would find them by: all of it, what is of words, and an order."""
    by_words = {"type": "words", "values": [str(each) for each in words], "mask": None}
    by_id = {"type": "is", "field": "id", "values": [str(each) for each in ids]}
    everybody = {"type": "some", "parts": [by_id, by_words, {"type": "has", "field": "name"}]}
    return everybody, by_words, [{"field": "id", "descending": False}]


def calls(types: Sequence[str], known: dict[str, list[Any]]) -> Iterator[tuple[Any, ...]]:
    """Combinations of arguments: all of them, or as many as are worth the time."""
    whole = list(itertools.islice(itertools.product(*(known[kind] for kind in types)), 20_000))
    yield from whole if len(whole) <= _MOST_CALLS else random.Random(6).sample(whole, _MOST_CALLS)  # noqa: S311


def queries(admin: Connection, role: str, known: dict[str, list[Any]]) -> Iterator[tuple[str, sql.Composed, Any]]:
    """Every function that a role may call, with a query and the calls to make."""
    for schema, name, types in functions(admin, role):
        places = sql.SQL(", ").join(sql.SQL("%s::") + sql.SQL(kind) for kind in types)
        query = sql.SQL("SELECT * FROM {}({})").format(sql.Identifier(schema, name), places)
        yield name, query, calls([_READ.get((schema, kind), kind) for kind in types], known)


@pytest.mark.parametrize("role", [SERVICE, RECORDER])
def test_no_function_gives_anything_of_another_tenant(
    database: Database, admin: Connection, tenants: tuple[UUID, UUID], role: str
) -> None:
    mine, other = tenants
    known = arguments(admin, other)
    told = {str(each) for each in known["uuid"]} - {str(PLATFORM)} | {"hopper"}
    with psycopg.connect(database.dsns[role], autocommit=True) as connection:
        connection.execute("SELECT set_config('app.tenant', %s, false)", (str(mine),))
        for name, query, all_values in queries(admin, role, known):
            answered = 0
            for values in all_values:
                echo = str(values)
                try:
                    # Taken back: what one call has written of its arguments, the next one may well tell.
                    with connection.transaction(force_rollback=True):
                        answer, echo = str(connection.execute(query, values).fetchall()), ""
                    answered += 1
                except psycopg.Error as refusal:
                    answer = str(refusal.diag.message_primary)
                assert not any(each in answer and each not in echo for each in told), (name, values, answer)
            assert answered, f"{name} refused every call, so nothing is known of what it gives"


@pytest.mark.parametrize("role", [SERVICE, RECORDER])
def test_no_function_changes_anything_of_another_tenant(
    database: Database, admin: Connection, tenants: tuple[UUID, UUID], role: str
) -> None:
    mine, other = tenants
    known, before, own = arguments(admin, other), rows(admin, other), rows(admin, mine)
    with psycopg.connect(database.dsns[role], autocommit=True) as connection:
        connection.execute("SELECT set_config('app.tenant', %s, false)", (str(mine),))
        for _, query, all_values in queries(admin, role, known):
            for values in all_values:
                with suppress(psycopg.Error):
                    connection.execute(query, values)
    # Keys that nobody can unwrap would be in the way of those who change the master key.
    admin.execute("DELETE FROM store.tenant_key WHERE tenant_id = %s AND master = ANY (%s)", (mine, known["text"]))
    assert rows(admin, other) == before
    assert rows(admin, mine) != own, "what may be written was written, where it belongs"
