"""R2.6: field rules of roles, and who may make them."""

from typing import Any
from uuid import uuid4

import pytest

from commands.decision import Decision, Given
from commands.identity import roles
from commands.identity.roles import ByHolder, ChangeRole, DefineRole
from domain.access import BUILT_IN_ROLES
from domain.authorization import Access
from domain.errors import DomainError, InvalidError
from domain.field_rules import FieldAccess, FieldRule, Rights
from domain.role import Role, RoleChanged, RoleDefined
from tests.given import START, TENANT, some_id

ADMIN = Rights(BUILT_IN_ROLES["admin"])
HIDDEN, READ, WRITE = FieldAccess
KEEPER = Rights(ADMIN.grants, {"contacts": {"title": READ, "custom": HIDDEN}})
"""Somebody who may do everything but write titles and see custom fields."""


def rule(field: str, access: FieldAccess, resource: str = "contacts") -> FieldRule:
    return FieldRule(resource, field, access)


def given(state: Role | None = None) -> Given[Role]:
    return Given(tenant_id=TENANT, stream_id=some_id(1), state=state, now=START, new_id=uuid4, caller=None, found={})


def define(*rules: FieldRule, by: Rights = ADMIN, permissions: tuple[str, ...] = ("contacts.read",)) -> Decision:
    asked = DefineRole(name="Interns", permissions=list(permissions), field_rules=list(rules))
    return roles.define(ByHolder(asked, by, Access()), given())


def change(*before: FieldRule, by: Rights = ADMIN, held: tuple[str, ...] = ("contacts.read:all",), **asked: Any) -> Any:
    state = Role(
        id=some_id(1), version=1, key="interns", name="Interns", permissions=held, field_rules=before,
        created_at=START, updated_at=START,
    )  # fmt: skip
    return roles.change(ByHolder(ChangeRole(**asked), by, Access()), given(state)).events


def refused(act: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(DomainError) as refusal:
        act(*arguments, **named)
    assert refusal.value.code == "permission.missing"
    return str(refusal.value.members["permission"])


def test_rules_are_kept_by_the_names_of_answers() -> None:
    (event,) = define(rule("email", HIDDEN), rule("custom.salary", READ)).events
    assert isinstance(event, RoleDefined)
    assert event.field_rules == (rule("emails", HIDDEN), rule("custom.salary", READ))


def test_every_bad_rule_is_named() -> None:
    with pytest.raises(InvalidError) as refusal:
        define(rule("x", READ, "users"), rule("version", HIDDEN), rule("email", READ), rule("emails", HIDDEN))
    assert {error.pointer: error.code for error in refusal.value.errors} == {
        "/field_rules/0/resource": "field_rule.unknown",
        "/field_rules/1/field": "field_rule.unknown",
        "/field_rules/3/field": "value.repeated",
    }


def test_rules_change_alone_and_the_same_ones_are_no_change() -> None:
    old, new = rule("title", HIDDEN), rule("title", READ)
    assert change(old, field_rules=[new]) == (RoleChanged(field_rules=(new,)),)
    assert change(old, field_rules=[]) == (RoleChanged(field_rules=()),)
    assert change(old, field_rules=[old], name="Interns") == ()


def test_nobody_makes_a_role_reach_further_into_fields_than_they_do() -> None:
    hides = (rule("custom", HIDDEN), rule("title", READ))
    assert refused(define, by=KEEPER) == "contacts.read"
    assert refused(define, rule("custom", HIDDEN), by=KEEPER) == "contacts.write"
    assert refused(define, *hides, rule("custom.salary", READ), by=KEEPER) == "contacts.read"
    assert define(*hides, by=KEEPER).events
    assert define(rule("custom", HIDDEN), rule("title", HIDDEN), by=KEEPER).events
    assert define(by=KEEPER, permissions=("reports.read",)).events
    assert refused(define, by=KEEPER, permissions=("audit.read",)) == "contacts.read"


def test_nor_changes_one_that_does() -> None:
    hides = (rule("custom", HIDDEN), rule("title", READ))
    assert refused(change, *hides, by=KEEPER, field_rules=[hides[1]]) == "contacts.read"
    assert refused(change, by=KEEPER, field_rules=list(hides)) == "contacts.read"
    assert refused(change, by=KEEPER, permissions=["contacts.read:own"]) == "contacts.read"
    assert refused(change, by=KEEPER, held=("reports.read",), permissions=["contacts.read"]) == "contacts.read"
    assert refused(change, by=KEEPER, held=("reports.read",), permissions=["events.read"]) == "contacts.read"
    assert change(*hides, by=KEEPER, permissions=["contacts.read:own"])
    assert change(*hides, by=KEEPER, field_rules=[hides[0], rule("title", HIDDEN)])


def test_what_stays_the_same_is_neither_given_nor_taken() -> None:
    assert change(by=KEEPER, name="Others") == (RoleChanged(name="Others"),)
    held = ("contacts.read:all", "reports.read")
    assert change(by=KEEPER, held=held, permissions=["contacts.read"]) == (
        RoleChanged(permissions=("contacts.read:all",)),
    )
