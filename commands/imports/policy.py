"""What becomes of a row beside contacts that are there: which one it is about, and what of it is taken over. Pure."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from msgspec import UNSET, structs
from rapidfuzz import fuzz

from commands.batch.items import Asked
from commands.contacts.input import AddressInput, ChangeContact, NameInput
from commands.decision import Decision, Given
from commands.handle import UseCase
from commands.imports.rows import EMAIL, PHONE, Wish, keys_of
from commands.registry import CHANGE_CONTACT, REGISTER_CONTACT
from domain.contact import Contact, Lifecycle, Name
from domain.errors import DomainError
from domain.imports import Policy

_ALIKE = 60
_SURE = 85


class SkippedError(DomainError):
    """A row is about a contact that is there, and stays as it is."""

    def __init__(self, match: UUID) -> None:
        super().__init__("import.skipped", "there is such a contact already")
        self.match = match


def about(wish: Wish, contacts: Sequence[Contact]) -> Contact | None:
    """The contact that a row is about, of those that have one of its keys; the surest key decides.

    A phone may be of a whole house: it takes a name that is not another's, too.
    """
    for key in wish.keys:
        having = [contact for contact in contacts if key in set(keys_of(contact))]
        if key[0] == PHONE:
            having = [contact for contact in having if likeness(wish, contact) >= _ALIKE]
        if key[0] in {EMAIL, PHONE} and len(having) > 1:
            having.sort(key=lambda contact: (-likeness(wish, contact), contact.created_at, contact.id))
        if having:
            return having[0]
    return None


def likeness(wish: Wish, contact: Contact) -> float:
    """How alike the names are, 0 to 100; a name that is missing speaks against nobody."""
    mine, theirs = called(wish), contact.name.display
    if not mine or not theirs:
        return float(_SURE)
    return fuzz.token_set_ratio(mine.casefold(), theirs.casefold())


def called(wish: Wish) -> str:
    """The name that a row says."""
    match wish.members.get("name"):
        case str(text):
            return text
        case NameInput() as name:
            return str(name.display or " ".join(filter(None, (name.given, name.family))))  # type: ignore[arg-type]
        case _:
            return ""


def asked(
    wish: Wish, contact: Contact | None, policy: Policy, register: UseCase[Any, Contact], change: UseCase[Any, Contact]
) -> Asked:
    """What a row asks of the contact that it is about, or of a new one.

    Raises:
        SkippedError: nothing, for that contact is there.
    """
    if contact is None or policy is Policy.CREATE:
        return Asked(case=register, command=wish.command, errors=wish.problems, stream_id=wish.new_id)
    if policy is Policy.SKIP and not wish.problems:
        raise SkippedError(contact.id)
    patch = update(wish, contact) if policy is Policy.UPDATE else fill(wish, contact)
    return Asked(case=change, command=patch, errors=wish.problems, stream_id=contact.id)


def update(wish: Wish, contact: Contact) -> ChangeContact:
    """What a row says instead of what is there; addresses and tags are added to those that are there."""
    members = dict(wish.members)
    for name in ("emails", "phones"):
        if name in members:
            members[name] = _with(members[name], getattr(contact, name))
    if "tags" in members:
        members["tags"] = [*contact.tags, *members["tags"]]
    return ChangeContact(**members)


def fill(wish: Wish, contact: Contact) -> ChangeContact:
    """What a row says where nothing is there."""
    members: dict[str, Any] = {}
    for name, value in wish.members.items():
        match name:
            case "name":
                members |= _missing_name(value, contact.name)
            case "company":
                members |= {name: value} if contact.company_id is None else {}
            case "lifecycle":
                members |= {name: value} if contact.lifecycle is Lifecycle.LEAD else {}
            case "custom" | "external_ids":
                known = getattr(contact, name, {})
                if missing := {key: part for key, part in value.items() if known.get(key) is None}:
                    members[name] = missing
            case _:
                members |= {} if getattr(contact, name) else {name: value}
    return ChangeContact(**members)


def _missing_name(value: str | NameInput, known: Name) -> dict[str, Any]:
    if not known.display:
        return {"name": value}
    if isinstance(value, str):
        return {}
    parts = {
        part: said
        for part in ("given", "family")
        if not getattr(known, part) and (said := getattr(value, part)) not in {None, UNSET}
    }
    return {"name": NameInput(**parts)} if parts else {}


def _with(said: Sequence[AddressInput], known: Collection[Any]) -> list[AddressInput]:
    """The addresses of a row, then those that are there; all as they stand where the row has no new one.

    The first of the row is the primary one from now on.
    """
    folded = {each.value.lower(): each for each in known}
    kept = [
        AddressInput(value=each.value, kind=folded[each.value.lower()].kind, primary=each.primary)
        if each.value.lower() in folded and each.kind == "work"
        else each
        for each in said
    ]
    mine = {each.value.lower() for each in said}
    joined = kept + [AddressInput(value=each.value, kind=each.kind) for each in known if each.value.lower() not in mine]
    if mine - folded.keys():
        return joined
    standing = {each.value.lower(): each for each in joined}
    return [standing[value] for value in folded]


def within(case: UseCase[Any, Contact], reaches: Any, refusal: DomainError) -> UseCase[Any, Contact]:
    """The same use case for who may not do it to everybody's contacts, nor give any away to out of reach."""

    def admit(contact: Contact) -> None:
        if not reaches(contact.owner_id):
            raise refusal

    def decide(command: Any, given: Given[Contact]) -> Decision:
        decision = case.decide(command, given)
        for event in decision.events:
            owner = getattr(event, "owner_id", UNSET)
            if owner is not UNSET and not reaches(owner):
                raise refusal
        return decision

    return structs.replace(case, admit=admit, decide=decide)


REGISTER, CHANGE = REGISTER_CONTACT, CHANGE_CONTACT
