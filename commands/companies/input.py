"""What can be asked of companies: the commands and their parts, as they come in."""

from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from domain.company import Size

C = TypeVar("C")

Domain = Annotated[str, Meta(description="Where its website is, like engines.example; an address will do too.")]
HowMany = Annotated[Size, Meta(description="How many work there: a number, or words like 11-50.")]


class RegisterCompany(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new company, whose name no other has."""

    name: str
    domain: Domain | None = None
    industry: str | None = None
    size: HowMany | None = None
    parent_id: UUID | None = None
    custom: dict[str, Any] | None = None
    external_ids: dict[str, str | None] | None = None


class ChangeCompany(Struct, forbid_unknown_fields=True, kw_only=True):
    """A merge patch (RFC 7396): absent members stay, null clears, objects merge."""

    name: str | UnsetType = UNSET
    domain: Domain | UnsetType | None = UNSET
    industry: str | UnsetType | None = UNSET
    size: HowMany | UnsetType | None = UNSET
    parent_id: UUID | UnsetType | None = UNSET
    custom: dict[str, Any] | UnsetType | None = UNSET
    external_ids: dict[str, str | None] | UnsetType | None = UNSET


class DeleteCompany(Struct):
    """Delete a company; its name and what else it held alone are free again."""


class RestoreCompany(Struct):
    """Bring a deleted company back."""


class Ancestor(Struct, frozen=True):
    """A company above another, at the version that it was seen at."""

    id: UUID
    version: int


class Placed(Struct, Generic[C], frozen=True):
    """A command with the line that begins with the parent that it names, and goes on to that one's parent and so on.

    The line is empty when there is no such company.
    """

    asked: C
    line: Sequence[Ancestor] = ()
