"""Values of custom fields on records: merged, and every bad one told; unique ones claimed. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from commands import normalise
from commands.custom_fields.types import UnfitError, fits, normalised, same
from commands.decision import Given
from commands.normalise import Problems, pointer
from commands.ports import Claim, Expected
from domain.custom_field import CustomField, FieldType, Rule
from domain.errors import DomainError, FieldError

Fields = Mapping[str, CustomField]
"""The fields that a kind of record has now, by key."""

MOST_BYTES = 65_536
"""Of all values of a record together, as JSON."""


def wanted(
    asked: Mapping[str, Any] | None, before: Mapping[str, Any], fields: Fields, problems: Problems
) -> dict[str, Any]:
    """The values after a merge patch: null takes one away, and no object at all takes away every one.

    Values of fields that are not there any more stay as they are, seen by nobody.
    """
    after = dict(before)
    for key, value in (dict.fromkeys(filter(live(fields).__contains__, before)) if asked is None else asked).items():
        at = pointer("/custom", key)
        if key not in fields or fields[key].deleted_at is not None:
            problems.add(at, "custom_field.unknown", "no custom field with this key is defined")
            continue
        try:
            good = normal(fields[key], value)
        except UnfitError as refusal:
            problems.add(at, *refusal.args)
            continue
        if good is not None:
            after[key] = good
            continue
        if fields[key].required:
            problems.add(at, "field.required", "is required; send a value")
        after.pop(key, None)
    if after != before and len(msgspec.json.encode(after)) > MOST_BYTES:
        problems.add("/custom", "custom_field.too_much", f"is more than {MOST_BYTES} bytes of values; shorten some")
    return after


def require_all(values: Mapping[str, Any], asked: Mapping[str, Any] | None, fields: Fields, problems: Problems) -> None:
    """Tell which required fields a new record lacks, but for those that were asked for: they are told of already."""
    for key, field in fields.items():
        if field.required and field.deleted_at is None and key not in values and key not in (asked or {}):
            problems.add(pointer("/custom", key), "field.required", "is missing; the custom field is required")


def normal(field: CustomField, value: Any) -> Any:
    """A value in normal form; None where it says that there is none.

    Raises:
        UnfitError: it does not fit, or will not fit what the field is about to be.
    """
    good, *coming = (normalised(rule, value) for rule in field.rules)
    if coming and not same(coming[0], good):
        raise UnfitError("custom_field.changing", "does not fit what the custom field is just being changed to")
    return good


def fitting(values: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """The values that fit as they stand, and those of fields that are not there: of a record that comes back."""
    there = live(fields)
    return {
        key: value
        for key, value in values.items()
        if key not in there or all(fits(rule, value) for rule in there[key].rules)
    }


def live(fields: Fields) -> Fields:
    """Those that are there: not deleted."""
    return {key: field for key, field in fields.items() if field.deleted_at is None}


def claims(given: Given[Any], values: Mapping[str, Any]) -> tuple[Claim, ...]:
    """What a record holds alone by its values."""
    return tuple(
        Claim(given.tenant_id, claim_kind(field, rule), claimed(rule, value), given.stream_id)
        for key, value in values.items()
        if (field := given.custom.get(key))
        for rule in field.claiming
    )


def claim_kind(field: CustomField, rule: Rule) -> str:
    """Under what the unique values of a field are claimed."""
    return f"{field.kind}.custom/{field.key}/{rule.unique}"


def claim_taken(claim: Claim) -> DomainError | None:
    """The refusal of a unique value that another record has; None when the claim is about something else."""
    kind, _, rest = claim.kind.partition(".custom/")
    if not rest:
        return None
    code, key = f"{kind}.custom_taken", rest.partition("/")[0]
    return DomainError(
        code,
        f"another {kind} has this {key}",
        hint=f"Change that {kind} instead, or send another value.",
        errors=(FieldError(pointer("/custom", key), code, f"belongs to another {kind}"),),
    )


def claimed(rule: Rule, value: Any) -> str:
    """What two values have in common that must not both be: of text case, width and what nobody sees don't count."""
    return normalise.key(value) if rule.type is FieldType.TEXT else msgspec.json.encode(value).decode()


def expected(before: Mapping[str, Any], after: Mapping[str, Any], fields: Fields) -> tuple[Expected, ...]:
    """What must not have changed when values are stored: the fields that they were found good for, or are freed by."""
    return tuple(Expected(fields[key].id, fields[key].version) for key in changed(before, after) if key in fields)


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of values that are not the same before and after."""
    return tuple(key for key in {**before, **after} if before.get(key) != after.get(key))
