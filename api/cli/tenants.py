"""`rapport tenant list`, `show`, `suspend` and `restore`: tenants as the operator of the platform has them.

The operator sees how much there is of what, and no person's data.
"""

import asyncio
from datetime import datetime
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
from commands.identity.tenants import TenantKeeping, tenant_of
from domain.errors import NotFoundError

_out = Console(highlight=False)

Json = Annotated[bool, typer.Option("--json", help="For programs: JSON on standard output.")]
Tenant = Annotated[str, typer.Argument(help="A tenant's id, or the e-mail of one of its users.")]

app = typer.Typer(help="Tenants, for the operator of the platform.", no_args_is_help=True)


class Listed(Struct, frozen=True):
    """A tenant in the list; `events` counts its whole log."""

    id: UUID
    name: str
    status: str
    registered_at: datetime
    events: int


class Shown(Listed, frozen=True):
    """A tenant with what counts of it."""

    users: int
    users_suspended: int
    admins: int
    api_keys: int
    teams: int


@app.command("list")
def list_tenants(context: typer.Context, as_json: Json = False) -> None:
    """Every tenant, the oldest first.

    Examples: `rapport tenant list` · `rapport tenant list --json | jq -r '.[] | select(.status == "suspended").id'`
    """
    found = asyncio.run(_all(context.obj))
    if as_json:
        print_json(found)
        return
    table = Table("tenant", "name", "status", "registered", "events", box=None, pad_edge=False)
    for each in found:
        table.add_row(str(each.id), each.name, each.status, f"{each.registered_at:%Y-%m-%d}", f"{each.events:,}")
    print_whole(_out, table)


@app.command()
def show(context: typer.Context, tenant: Tenant, as_json: Json = False) -> None:
    """How many users, keys and events a tenant has.

    Example: `rapport tenant show grace@engines.example`
    """
    found = asyncio.run(_one(context.obj, tenant))
    if as_json:
        print_json(found)
        return
    for name, value in msgspec.to_builtins(found).items():
        _out.print(f"{name.replace('_', ' '):16} {value}", soft_wrap=True, markup=False)


@app.command()
def suspend(context: typer.Context, tenant: Tenant) -> None:
    """Let nobody of a tenant in any more: every token and key is refused from the very next request on.

    Nothing is lost: its data stay, and its sessions and keys go on when it is restored.
    Example: `rapport tenant suspend 019b0000-0000-7000-8000-000000000001`
    """
    _tell(asyncio.run(_change(context.obj, tenant, restored=False)), "suspended")


@app.command()
def restore(context: typer.Context, tenant: Tenant) -> None:
    """Let a tenant go on that was suspended.

    Example: `rapport tenant restore 019b0000-0000-7000-8000-000000000001`
    """
    _tell(asyncio.run(_change(context.obj, tenant, restored=True)), "active")


async def _all(tools: Tools) -> list[Listed]:
    async with tools.operating() as operating:
        heads = {each.tenant_id: each.head for each in await operating.log.tenants()}
        found = []
        for tenant_id, head in heads.items():
            try:
                found.append(await _listed(operating, tenant_id, head))
            except NotFoundError:
                continue  # the log of a program of its own, or the platform's: no company has signed up there
        return sorted(found, key=lambda each: (each.registered_at, each.id))


async def _listed(operating: Operating, tenant_id: UUID, head: int) -> Listed:
    tenant = await tenant_of(operating.store, tenant_id)
    status = "suspended" if tenant.suspended else "active"
    return Listed(tenant.id, tenant.name, status, tenant.created_at, head)


async def _one(tools: Tools, asked: str) -> Shown:
    async with tools.operating() as operating:
        tenant_id = await known_tenant(operating.store, asked)
        head = await operating.store.head(tenant_id)
        listed, access = await _listed(operating, tenant_id, head), await operating.past_access.at(tenant_id, head)
        return Shown(
            **msgspec.structs.asdict(listed),
            users=len(access.members),
            users_suspended=sum(member.suspended for member in access.members.values()),
            admins=len(access.admins),
            api_keys=sum(not key.revoked for key in access.keys.values()),
            teams=len(access.teams),
        )


async def _change(tools: Tools, asked: str, *, restored: bool) -> bool:
    async with tools.operating() as operating:
        tenant_id = await known_tenant(operating.store, asked)
        keeping = TenantKeeping(operating.store, tools.clock, tools.new_id)
        return await (keeping.restore(tenant_id) if restored else keeping.suspend(tenant_id))


def _tell(changed: bool, status: str) -> None:
    _out.print(f"The tenant is {status}{'' if changed else ' already'}.")
