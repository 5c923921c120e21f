"""What becomes of two contacts that are one person: merged, and taken apart again. Pure; docs/merge.md has the rules.

Both streams are written in one append, each at the version that was decided on, so whoever changes one of the two
meanwhile has it decided again; two opposite merges can't both hold, and no circle can come about.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, field, structs

from commands import normalise
from commands.contacts import contact
from commands.contacts.apart import apart
from commands.contacts.contact import claims_of
from commands.custom_fields import values as custom_values
from commands.decision import Decision, Given
from commands.normalise import Problems
from commands.ports import Claim, StreamEvents
from commands.visible import View
from domain import contact as domain
from domain import contact_union
from domain.contact import (
    HELD,
    Contact,
    ContactAbsorbed,
    ContactChanged,
    ContactMerged,
    ContactSeparated,
    ContactUnmerged,
    Side,
)
from domain.errors import DomainError, FieldError
from domain.event import Event, Recorded

MOST = 200
"""Items of a list that contacts together may have."""

_NAMES = {"company": "company_id"}
_SINGLE = {"email": "emails", "phone": "phones"}
_CHOICES = {*HELD, *_NAMES, *_SINGLE} - {"former_ids"}


class MergeContact(Struct, forbid_unknown_fields=True):
    """Which contact goes into this one, and by field whose value is to stay, where it is not the usual one."""

    from_id: UUID = field(name="from")
    choose: dict[str, Side] | None = None


class UnmergeContact(Struct, forbid_unknown_fields=True):
    """Which of those that were merged into this one is to be a contact of its own again."""

    from_id: UUID = field(name="from")


class Merge(Struct, frozen=True):
    """To merge a contact into the one that it is about; None where that is not to be had (the errors say why)."""

    other: Contact | None
    choose: Mapping[str, Side]
    view: View


class Unmerge(Struct, frozen=True):
    """To take a contact out again; `stream` is what happened to the one that it was merged into, from the first."""

    other: Contact | None
    stream: Sequence[Recorded[Event]]


def merge(command: Merge, given: Given[Contact]) -> Decision:
    """One contact of two: the other is gone, and what it held is here.

    Raises:
        InvalidError: with every bad field.
    """
    into, other, problems = _state(given), command.other, Problems(given.errors)
    choose = _choices(command, given, problems)
    problems.raise_if_any()
    if other is None:
        raise RuntimeError("nothing to merge, and nothing said why")
    event = ContactAbsorbed(subject_id=other.id, choose=choose, **{name: getattr(other, name) for name in HELD})
    after = domain.evolve(into, event, stream_id=into.id, at=given.now)
    for name in HELD:
        if isinstance(value := getattr(after, name), tuple) and len(value) > MOST:
            problems.add(
                "/from", "list.too_long", f"together they have {len(value)} {name}; at most {MOST} are allowed"
            )
    if after.custom != into.custom and len(msgspec.json.encode(after.custom)) > custom_values.MOST_BYTES:
        problems.add("/from", "custom_field.too_much", "together they have more custom values than one contact may")
    problems.raise_if_any()
    had, has = claims_of(given, into), claims_of(given, after)
    return Decision(
        events=(event,),
        related=(StreamEvents(other.id, other.version, (ContactMerged(into=into.id),)),),
        claims=tuple(claim for claim in has if claim not in had),
        releases=(*claims_of(given, other), *(claim for claim in had if claim not in has)),
        expects=custom_values.expected({}, into.custom | other.custom, given.custom),
    )


def unmerge(command: Unmerge, given: Given[Contact]) -> Decision:
    """Two contacts of one: the other as it was, and this one as it would be without it.

    Raises:
        DomainError: contact.not_merged.
        InvalidError: with every bad field.
    """
    into, other = _state(given), command.other
    Problems(given.errors).raise_if_any()
    if other is None or other.merged_into != into.id:
        raise _not_merged(other)
    values = apart(into, other.id, command.stream)
    if "custom" in values:
        values["custom"] = custom_values.fitting(values["custom"], given.custom)
    event = ContactSeparated(from_id=other.id, **values)
    after = domain.evolve(into, event, stream_id=into.id, at=given.now)
    had, has = claims_of(given, into), claims_of(given, after)
    # As when it is restored: what does not fit any more what its custom fields have become is left out.
    back = structs.replace(other, custom=custom_values.fitting(other.custom, given.custom))
    left_out = () if back.custom == other.custom else (ContactChanged(custom=back.custom),)
    return Decision(
        events=(event,),
        related=(StreamEvents(other.id, other.version, (ContactUnmerged(into=into.id), *left_out)),),
        claims=(*(claim for claim in has if claim not in had), *claims_of(given, back)),
        releases=tuple(claim for claim in had if claim not in has),
        expects=custom_values.expected({}, into.custom | other.custom | after.custom, given.custom),
    )


def claim_taken(claim: Claim) -> DomainError:
    """The refusal when a value that was unique to the contact belongs to another one by now."""
    refusal = contact.claim_taken(claim)
    if refusal is None:
        raise RuntimeError("contacts that are merged claim nothing else")
    refusal.errors = (FieldError("/from", refusal.code, f"{refusal.detail} by now"),)
    refusal.hint = "Take it off that contact first; it may be the one that this one was merged into."
    return refusal


def _state(given: Given[Contact]) -> Contact:
    assert given.state is not None  # noqa: S101  a use case that does not create always has a state
    return given.state


def _choices(command: Merge, given: Given[Contact], problems: Problems) -> dict[str, Side]:
    """Choices by the names that contacts have for fields, and what is wrong with them."""
    found: dict[str, Side] = {}
    known = _CHOICES | {f"custom.{key}" for key in custom_values.live(given.custom)}
    for name, side in command.choose.items():
        at = normalise.pointer("/choose", name)
        if name not in known:
            problems.add(at, "field.unknown", "is no field that two contacts can be merged by")
        elif not command.view.writes(name):
            problems.add(at, "field.not_writable", "is not for you to write; leave it out")
        elif name in _SINGLE and _SINGLE[name] in command.choose:
            problems.add(at, "field.ambiguous", f"choose {name} or {_SINGLE[name]}, not both")
        elif side is Side.FROM and command.other and contact_union.is_empty(_held(command.other, name)):
            problems.add(at, "field.empty", "has no value on the contact that goes; leave it out")
        elif side is not None:
            found[_NAMES.get(name, name)] = side
    return found


def _held(contact: Contact, name: str) -> Any:
    if name.startswith("custom."):
        return contact.custom.get(name.partition(".")[2])
    return getattr(contact, _NAMES.get(name, _SINGLE.get(name, name)))


def _not_merged(other: Contact | None) -> DomainError:
    hint = "GET /v1/contacts/{id}/history of the survivor tells which contacts were merged into it."
    if other and other.merged_into:
        hint = (
            f"It was merged into contact {other.merged_into}; take it out of that one, or that one out of this first."
        )
    return DomainError("contact.not_merged", "that contact is not merged into this one", hint=hint)
