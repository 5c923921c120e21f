"""R3.1: what becomes of what is asked of companies, as values."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import structs

from commands.companies import company
from commands.companies.input import (
    Ancestor,
    ChangeCompany,
    DeleteCompany,
    Placed,
    RegisterCompany,
    RestoreCompany,
)
from commands.companies.line import line_from
from commands.companies.values import MOST_LEVELS, domain
from commands.decision import Decision, Given
from commands.normalise import Problems
from commands.ports import Claim
from domain.company import (
    Company,
    CompanyChanged,
    CompanyDeleted,
    CompanyRegistered,
    CompanyRestored,
    evolve,
)
from domain.errors import DomainError, FieldError, NotFoundError
from domain.event import Event
from tests.given import CALLER, TENANT, some_id

ENGINES, PARENT = some_id(1), some_id(2)
NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def folded(*events: Event, stream_id: UUID = ENGINES) -> Company | None:
    state = None
    for event in events:
        state = evolve(state, event, stream_id=stream_id, at=NOW)
    return state


def given(*events: Event, errors: Sequence[FieldError] = ()) -> Given[Company]:
    ids: Iterator[UUID] = map(some_id, range(100, 200))
    return Given(
        tenant_id=TENANT, stream_id=ENGINES, state=folded(*events), now=NOW, new_id=lambda: next(ids),
        caller=CALLER, found={}, errors=tuple(errors),
    )  # fmt: skip


def placed(kind: type[Any], *line: UUID, **members: Any) -> Placed[Any]:
    return Placed(msgspec.convert(members, kind), [Ancestor(each, 1) for each in line])


def register(*line: UUID, **members: Any) -> Decision:
    return company.register(placed(RegisterCompany, *line, **members), given())


def change(before: CompanyRegistered, *line: UUID, **members: Any) -> Decision:
    return company.change(placed(ChangeCompany, *line, **members), given(before))


def bad(decide: Any) -> dict[str, str]:
    with pytest.raises(DomainError) as refusal:
        decide()
    assert refusal.value.code == "validation.failed"
    return {error.pointer: error.code for error in refusal.value.errors}


def name_claim(name: str) -> Claim:
    return Claim(TENANT, "company.name", name, ENGINES)


def id_claim(value: str) -> Claim:
    return Claim(TENANT, "company.external_id/erp", value, ENGINES)


def test_a_new_company_takes_its_name_and_its_external_ids() -> None:
    decision = register(
        PARENT, name="  Engines  Ltd ", domain="https://www.Engines.example/about", industry="Looms", size=120,
        parent_id=str(PARENT), external_ids={"erp": "7"},
    )  # fmt: skip

    assert decision.events == (
        CompanyRegistered(
            name="Engines Ltd", domain="engines.example", industry="Looms", size=120, parent_id=PARENT,
            external_ids={"erp": "7"},
        ),
    )  # fmt: skip
    assert decision.claims == (name_claim("engines ltd"), id_claim("7"))


def test_every_bad_member_is_named_at_once() -> None:
    found = bad(
        lambda: register(
            name=" ", domain="no domain", size=-1, parent_id=str(PARENT), custom={"a/b": 1}, external_ids={"E R": "1"}
        )
    )
    assert found == {
        "/name": "field.blank",
        "/domain": "domain.invalid",
        "/size": "number.out_of_range",
        "/parent_id": "company.not_found",
        "/custom/a~1b": "custom_field.unknown",
        "/external_ids/E R": "external_ids.system",
    }


def test_another_name_takes_its_claim_and_frees_the_one_before() -> None:
    decision = change(CompanyRegistered(name="Engines", external_ids={"erp": "7", "crm": "8"}), name="Looms")

    assert decision == Decision(
        events=(CompanyChanged(name="Looms"),), claims=(name_claim("looms"),), releases=(name_claim("engines"),)
    )


def test_another_spelling_of_the_name_takes_and_frees_nothing() -> None:
    assert change(CompanyRegistered(name="Engines"), name="ENGINES") == Decision(
        events=(CompanyChanged(name="ENGINES"),)
    )


def test_a_patch_merges_external_ids_clears_what_is_null_and_leaves_the_rest() -> None:
    before = CompanyRegistered(name="Engines", domain="e.example", size="11-50", external_ids={"erp": "7", "crm": "8"})

    decision = change(before, domain=None, industry="Looms", external_ids={"erp": "9"})

    assert decision.events == (CompanyChanged(domain=None, industry="Looms", external_ids={"erp": "9", "crm": "8"}),)
    assert (decision.claims, decision.releases) == ((id_claim("9"),), (id_claim("7"),))
    assert change(before, name="Engines", size="11-50") == Decision()


def test_no_company_comes_to_be_above_itself() -> None:
    before = CompanyRegistered(name="Engines")
    assert bad(lambda: change(before, ENGINES, parent_id=str(ENGINES))) == {"/parent_id": "company.parent_below"}
    assert bad(lambda: change(before, PARENT, some_id(3), ENGINES, parent_id=str(PARENT))) == {
        "/parent_id": "company.parent_below"
    }
    above = [PARENT, *map(some_id, range(10, 9 + MOST_LEVELS))]
    assert bad(lambda: change(before, *above, parent_id=str(PARENT))) == {"/parent_id": "company.parent_too_deep"}
    assert change(before, *above[:-1], parent_id=str(PARENT)).events == (CompanyChanged(parent_id=PARENT),)


def test_a_parent_that_is_set_already_is_not_looked_at_again() -> None:
    assert change(CompanyRegistered(name="Engines", parent_id=PARENT), parent_id=str(PARENT)) == Decision()


def test_what_is_deleted_frees_all_and_comes_back_with_all() -> None:
    before = CompanyRegistered(name="Engines", external_ids={"erp": "7"})
    held = (name_claim("engines"), id_claim("7"))

    assert company.delete(DeleteCompany(), given(before)) == Decision(events=(CompanyDeleted(),), releases=held)
    gone = given(before, CompanyDeleted())
    assert company.restore(RestoreCompany(), gone) == Decision(events=(CompanyRestored(),), claims=held)
    assert company.restore(RestoreCompany(), given(before)) == Decision()
    back = folded(before, CompanyDeleted(), CompanyRestored())
    assert back == structs.replace(folded(before) or nobody(), version=3)


def nobody() -> Company:
    raise AssertionError("no company")


@pytest.mark.parametrize(
    ("claim", "code", "at"),
    [
        (name_claim("engines"), "company.name_taken", "/name"),
        (id_claim("7"), "company.external_ids_taken", "/external_ids/erp"),
    ],
)
def test_a_value_of_another_company_is_refused_where_it_stands(claim: Claim, code: str, at: str) -> None:
    refusal = company.claim_taken(claim)
    assert (refusal.code, [(error.pointer, error.code) for error in refusal.errors]) == (code, [(at, code)])


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Engines.example", "engines.example"),
        (" https://www.engines.example:8443/about?x#y ", "engines.example"),
        ("www.engines.co.uk.", "engines.co.uk"),
        ("M\u00dcLLER.example", "m\u00fcller.example"),
        ("xn--mller-kva.example", "m\u00fcller.example"),
    ],
)
def test_a_domain_is_the_host_of_an_address(text: str, normal: str) -> None:
    problems = Problems()
    assert domain(text, "/domain", problems) == normal
    assert problems.errors == []
    assert domain(normal, "/domain", problems) == normal


@pytest.mark.parametrize(
    "text", ["engines", "192.168.0.1", "ada@engines.example", "a b.example", "http://", "-a.example"]
)
def test_what_is_no_domain_is_refused(text: str) -> None:
    problems = Problems()
    assert domain(text, "/domain", problems) is None
    assert [error.code for error in problems.errors] == ["domain.invalid"]


class Tree:
    """Companies by id, each with its parent."""

    def __init__(self, **parents: str | None) -> None:
        self._parents = parents
        self.gone: set[str] = set()

    async def load(self, company_id: UUID) -> Company:
        for name, parent in self._parents.items():
            if id_of(name) == company_id:
                found = folded(
                    CompanyRegistered(name=name, parent_id=id_of(parent) if parent else None), stream_id=company_id
                )
                assert found is not None
                return structs.replace(found, deleted_at=NOW) if name in self.gone else found
        raise NotFoundError("company")


def id_of(name: str) -> UUID:
    return some_id(sum(map(ord, name)))


async def test_the_line_of_a_parent_leads_up_and_ends() -> None:
    tree = Tree(a="b", b="c", c=None)

    assert await line_from(tree.load, id_of("a")) == tuple(Ancestor(id_of(each), 1) for each in "abc")
    tree.gone = {"b"}
    assert len(await line_from(tree.load, id_of("a"))) == 3
    assert await line_from(tree.load, id_of("b")) == ()
    assert await line_from(tree.load, some_id(1)) == ()
    assert await line_from(tree.load, None) == ()
    assert len(await line_from(Tree(a="b", b="a").load, id_of("a"))) == MOST_LEVELS
