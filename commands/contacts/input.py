"""What can be asked of contacts: the commands and their parts, as they come in."""

from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from domain.contact import Lifecycle


class NameInput(Struct, forbid_unknown_fields=True):
    """A name in parts; without a display form, given and family make one."""

    given: str | UnsetType | None = UNSET
    family: str | UnsetType | None = UNSET
    display: str | UnsetType | None = UNSET


class AddressInput(Struct, forbid_unknown_fields=True):
    """An e-mail or phone; `kind` is a word like work, home or mobile."""

    value: str
    kind: str = "work"
    primary: bool = False


class CompanyInput(Struct, forbid_unknown_fields=True):
    """A company by id, or by name: found or made."""

    id: UUID | None = None
    name: str | None = None


class RegisterContact(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new contact. At least one of name, email(s) and phone(s) is needed."""

    name: str | NameInput | None = None
    email: str | None = None
    emails: list[AddressInput] | None = None
    phone: str | None = None
    phones: list[AddressInput] | None = None
    company: str | CompanyInput | None = None
    title: str | None = None
    tags: list[str] | None = None
    owner_id: UUID | None = None
    custom: dict[str, Any] | None = None
    external_ids: dict[str, str | None] | None = None
    lifecycle: Lifecycle | None = None


class ChangeContact(Struct, forbid_unknown_fields=True, kw_only=True):
    """A merge patch (RFC 7396): absent members stay, null clears, objects merge, lists replace."""

    name: str | NameInput | UnsetType | None = UNSET
    email: str | UnsetType | None = UNSET
    emails: list[AddressInput] | UnsetType | None = UNSET
    phone: str | UnsetType | None = UNSET
    phones: list[AddressInput] | UnsetType | None = UNSET
    company: str | CompanyInput | UnsetType | None = UNSET
    title: str | UnsetType | None = UNSET
    tags: list[str] | UnsetType | None = UNSET
    owner_id: UUID | UnsetType | None = UNSET
    custom: dict[str, Any] | UnsetType | None = UNSET
    external_ids: dict[str, str | None] | UnsetType | None = UNSET
    lifecycle: Lifecycle | UnsetType | None = UNSET


class ChangeTags(Struct, forbid_unknown_fields=True, kw_only=True):
    """Tags to put on a contact and to take off it; the others stay."""

    add: list[str] | None = None
    remove: list[str] | None = None


class RestoreContact(Struct, forbid_unknown_fields=True):
    """Bring a deleted contact back; what it held alone is its own again."""


class DeleteContact(Struct):
    """Delete a contact; what it held alone is free again."""
