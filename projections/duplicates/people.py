"""Contacts as they are compared, from their rows; and what a tenant's contacts are compared with."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.contact import Contact, Email, Name, Phone
from domain.matching import PLAIN_KEYS
from projections.contacts import rows as contact_rows
from projections.matching import weights
from projections.matching.person import Person, person
from projections.matching.weights import Model
from projections.ports import Connection

LEAST = 0.3
"""How probable a pair must be to be kept at all, where no less is suggested."""

_MILLION = 1_000_000
_REMEMBERED = 64

_CONTACTS = f"""
SELECT c.id, c.name, c.emails, c.phones, k.name AS company, c.custom
  FROM {{}} LEFT JOIN {contact_rows.COMPANY} ON k.deleted_at IS NULL
 WHERE c.deleted_at IS NULL
"""
_BY_ID = f"SELECT coalesce(json_agg(v), '[]')::text FROM ({_CONTACTS.format(contact_rows.BY_ID)}) v"
_PAGE = f"""SELECT coalesce(json_agg(v), '[]')::text FROM (
{_CONTACTS.format("read.contact_v1 c")} AND c.tenant_id = %s AND c.id > %s ORDER BY c.id LIMIT %s) v"""
_IN_FORCE = "SELECT version, keys, least, contacts, extract(epoch FROM made_at)::float8"
_VERSION = f"{_IN_FORCE} FROM read.match_model_v1 WHERE tenant_id = %s"
_MODEL = "SELECT model::text FROM read.match_model_v1 WHERE tenant_id = %s AND version = %s"


class InForce(Struct, frozen=True):
    """What a tenant's contacts are compared with: by which keys, weighed how, and from which score a pair is kept.

    `version` is 0 before a model was made of the tenant's own contacts. Scores are in millionths.
    """

    version: int
    keys: tuple[str, ...]
    least: int
    model: Model


class _Row(Struct):
    id: UUID
    name: Name
    emails: tuple[Email, ...]
    phones: tuple[Phone, ...]
    company: str | None = None
    custom: dict[str, Any] = {}


_rows = msgspec.json.Decoder(list[_Row])
_models: OrderedDict[tuple[UUID, int, float], InForce] = OrderedDict()


def score_of(probability: float) -> int:
    """A probability in millionths."""
    return round(probability * _MILLION)


async def in_force(connection: Connection, tenant_id: UUID) -> InForce:
    """What to compare with now."""
    row = await (await connection.execute(_VERSION, (tenant_id,))).fetchone()
    if row is None:
        return InForce(0, PLAIN_KEYS, score_of(LEAST), weights.default(PLAIN_KEYS))
    version, keys, least, contacts, made_at = row
    known = (tenant_id, version, made_at)
    if known not in _models:
        (text,) = await (await connection.execute(_MODEL, (tenant_id, version))).fetchone()
        model = msgspec.json.decode(text, type=Model) if text else weights.default(keys, contacts)
        _models[known] = InForce(version, tuple(keys), least, model)
        while len(_models) > _REMEMBERED:
            _models.popitem(last=False)
    _models.move_to_end(known)
    return _models[known]


async def by_id(
    connection: Connection, tenant_id: UUID, keys: Sequence[str], ids: Iterable[UUID]
) -> dict[UUID, Person]:
    """Those contacts that are there; deleted ones and ones that were merged into others are not."""
    found = await (await connection.execute(_BY_ID, (tenant_id, list(ids)))).fetchone()
    return {row.id: _person(keys, row) for row in _rows.decode(found[0])}


async def page(
    connection: Connection, tenant_id: UUID, keys: Sequence[str], *, after: UUID, limit: int
) -> dict[UUID, Person]:
    """The same in the order of their ids, after one."""
    found = await (await connection.execute(_PAGE, (tenant_id, after, limit))).fetchone()
    return {row.id: _person(keys, row) for row in _rows.decode(found[0])}


def of_contact(keys: Sequence[str], contact: Contact, company: str | None = None) -> Person:
    """A contact that need not be in any row."""
    return _person(keys, _Row(contact.id, contact.name, contact.emails, contact.phones, company, contact.custom))


def _person(keys: Sequence[str], row: _Row) -> Person:
    return person(
        keys,
        given=row.name.given,
        family=row.name.family,
        display=row.name.display,
        emails=[email.value for email in row.emails],
        phones=[phone.value for phone in row.phones],
        company=row.company,
        custom=row.custom,
    )
