"""`rapport user list` and `show`: users as the platform's operator has them, by ids and without personal data."""

import asyncio
from typing import Annotated
from uuid import UUID

import msgspec
import typer
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from api.cli.maintenance import known_tenant
from api.cli.ports import Operating, Tools
from api.cli.printing import print_json, print_whole
from commands.identity.accounts import EMAIL_CLAIM, login_name
from domain.authorization import Member
from domain.errors import DomainError
from domain.tenant import PLATFORM

_out = Console(highlight=False)

Json = Annotated[bool, typer.Option("--json", help="For programs: JSON on standard output.")]

app = typer.Typer(help="Users, for the operator of the platform.", no_args_is_help=True)


class User(Struct, frozen=True):
    """A user; `status` as the API has it."""

    id: UUID
    tenant_id: UUID
    status: str
    roles: tuple[str, ...]
    api_keys: int


@app.command("list")
def list_users(
    context: typer.Context,
    tenant: Annotated[str, typer.Argument(help="A tenant's id, or the e-mail of one of its users.")],
    as_json: Json = False,
) -> None:
    """The users of a tenant, the oldest first: ids, roles and status.

    Example: `rapport user list 019b0000-0000-7000-8000-000000000001 --json`
    """
    found = asyncio.run(_of_tenant(context.obj, tenant))
    if as_json:
        print_json(found)
        return
    table = Table("user", "status", "roles", "keys", box=None, pad_edge=False)
    for each in found:
        table.add_row(str(each.id), each.status, " ".join(each.roles), str(each.api_keys))
    print_whole(_out, table)


@app.command()
def show(
    context: typer.Context,
    email: Annotated[str, typer.Argument(help="As it is used to sign in.")],
    as_json: Json = False,
) -> None:
    """Whose an e-mail is: the tenant and the user that sign in with it.

    Example: `rapport user show grace@engines.example`
    """
    found = asyncio.run(_by_email(context.obj, email))
    if as_json:
        print_json(found)
        return
    for name, value in msgspec.to_builtins(found).items():
        shown = " ".join(value) if isinstance(value, list) else value
        _out.print(f"{name.replace('_', ' '):10} {shown}", soft_wrap=True, markup=False)


async def _of_tenant(tools: Tools, asked: str) -> list[User]:
    async with tools.operating() as operating:
        return await _users(operating, await known_tenant(operating.store, asked))


async def _by_email(tools: Tools, email: str) -> User:
    async with tools.operating() as operating:
        owner = await operating.store.holder(PLATFORM, EMAIL_CLAIM, login_name(email))
        users = await _users(operating, owner.tenant_id) if owner else []
        for user in users:
            if owner and user.id == owner.stream_id:
                return user
    raise DomainError("user.not_found", f"nobody signs in with {email!r}")


async def _users(operating: Operating, tenant_id: UUID) -> list[User]:
    access = await operating.past_access.at(tenant_id, await operating.store.head(tenant_id))
    keys = [key.user_id for key in access.keys.values() if not key.revoked]
    return [
        User(user_id, tenant_id, _status(member), member.roles, keys.count(user_id))
        for user_id, member in access.members.items()
    ]


def _status(member: Member) -> str:
    return "suspended" if member.suspended else "active" if member.joined else "invited"
