"""What becomes of what is asked of companies. Pure: state and look-ups in, events out.

A company is found by its name, which no other of the tenant has, however it is spelt: contacts that name one find it,
or make it.
"""

from typing import Any
from uuid import UUID

from msgspec import structs

from commands import normalise
from commands.companies import values as company_values
from commands.companies.input import ChangeCompany, DeleteCompany, Placed, RegisterCompany, RestoreCompany
from commands.custom_fields import values as custom_values
from commands.decision import Decision, Given
from commands.normalise import Problems
from commands.ports import Claim, Expected, StreamEvents
from domain.company import Company, CompanyChanged, CompanyDeleted, CompanyRegistered, CompanyRestored
from domain.errors import DomainError, FieldError

NAME_CLAIM = "company.name"
EXTERNAL_ID = "company.external_id/"
"""Begins the kinds of claims of external ids; the system follows."""


def lookup(name: str) -> tuple[str, str]:
    """What to look up before deciding, so that two spellings of a name give one company."""
    return (NAME_CLAIM, normalise.key(name))


def found_or_made(tenant_id: UUID, company_id: UUID, name: str) -> tuple[StreamEvents, Claim]:
    """A new company for a contact that names it, and the claim that makes it the one which this name finds."""
    events = StreamEvents(company_id, 0, (CompanyRegistered(name=name),))
    return events, Claim(tenant_id, *lookup(name), company_id)


def register(command: Placed[RegisterCompany], given: Given[Company]) -> Decision:
    """A new company.

    Raises:
        InvalidError: with every bad field.
    """
    problems = Problems(given.errors)
    nobody = Company(id=given.stream_id, version=0, name="", created_at=given.now, updated_at=given.now)
    members = {name: value for name, value in structs.asdict(command.asked).items() if value is not None}
    wanted = company_values.wanted(ChangeCompany(**members), command.line, nobody, given, problems)
    company = structs.replace(nobody, **wanted)
    custom_values.require_all(company.custom, command.asked.custom, given.custom, problems)
    problems.raise_if_any()
    return Decision(
        events=(CompanyRegistered(**wanted),),
        claims=_claims(given, company),
        expects=(*_above(command), *custom_values.expected({}, company.custom, given.custom)),
    )


def change(command: Placed[ChangeCompany], given: Given[Company]) -> Decision:
    """The fields that get another value; nothing when none does.

    Raises:
        InvalidError: with every bad field.
    """
    before = _there(given.state)
    problems = Problems(given.errors)
    wanted = company_values.wanted(command.asked, command.line, before, given, problems)
    problems.raise_if_any()
    changed = {field: value for field, value in wanted.items() if value != getattr(before, field)}
    if not changed:
        return Decision()
    after = structs.replace(before, **changed)
    held, kept = (_claims(given, each) for each in (before, after))
    return Decision(
        events=(CompanyChanged(**changed),),
        claims=tuple(claim for claim in kept if claim not in held),
        releases=tuple(claim for claim in held if claim not in kept),
        expects=(
            *(_above(command) if "parent_id" in changed else ()),
            *custom_values.expected(before.custom, after.custom, given.custom),
        ),
    )


def delete(_: DeleteCompany, given: Given[Company]) -> Decision:
    """Gone from every view but history. Contacts that work for it show no company until it is back."""
    before = _there(given.state)
    return Decision(
        events=(CompanyDeleted(),),
        releases=_claims(given, before),
        expects=custom_values.expected(before.custom, {}, given.custom),
    )


def restore(_: RestoreCompany, given: Given[Company]) -> Decision:
    """There again, with all that it had but values that its custom fields take no more; nothing when it is there."""
    before = _there(given.state)
    if before.deleted_at is None:
        return Decision()
    after = structs.replace(before, custom=custom_values.fitting(before.custom, given.custom))
    left_out = () if after.custom == before.custom else (CompanyChanged(custom=after.custom),)
    return Decision(
        events=(CompanyRestored(), *left_out),
        claims=_claims(given, after),
        expects=custom_values.expected({}, before.custom, given.custom),
    )


def claim_taken(claim: Claim) -> DomainError:
    """The refusal when a unique value belongs to another company."""
    if refusal := custom_values.claim_taken(claim):
        return refusal
    if claim.kind == NAME_CLAIM:
        field, at, what = "name", "/name", "this name"
    else:
        system = claim.kind.removeprefix(EXTERNAL_ID)
        field, at, what = "external_ids", normalise.pointer("/external_ids", system), f"this id of {system}"
    code = f"company.{field}_taken"
    return DomainError(
        code,
        f"another company has {what}",
        hint="Use that company instead, or give it another one first.",
        errors=(FieldError(at, code, "belongs to another company"),),
    )


def _claims(given: Given[Company], company: Company) -> tuple[Claim, ...]:
    """All that a company holds alone."""
    ids = company.external_ids.items()
    external = (Claim(given.tenant_id, f"{EXTERNAL_ID}{system}", value, given.stream_id) for system, value in ids)
    name = Claim(given.tenant_id, *lookup(company.name), given.stream_id)
    return (name, *external, *custom_values.claims(given, company.custom))


def _above(command: Placed[Any]) -> tuple[Expected, ...]:
    """The line above: had one of it been moved meanwhile, this company might come to be above itself."""
    return tuple(Expected(each.id, each.version) for each in command.line)


def _there(company: Company | None) -> Company:
    assert company is not None  # noqa: S101  a use case that does not create always has a state
    return company
