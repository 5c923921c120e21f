"""`rapport security-events`: what the operator of the platform sees, and no tenant does.

The operator is who has the installation's settings (its database, its secret). There is no sign-in for it, and no
user of any tenant becomes one.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.cli.ports import Tools
from api.cli.printing import print_json, print_whole
from projections.identity.violations import Kind, Violation, newest

_out = Console(highlight=False)

Json = Annotated[bool, typer.Option("--json", help="For programs: a JSON list on standard output.")]
Since = Annotated[
    datetime | None,
    typer.Option("--from", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"], help="Since then; UTC."),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("security-events")(security_events)


def security_events(
    context: typer.Context,
    kind: Annotated[Kind | None, typer.Option(help="Only these.")] = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="So many at most.")] = 50,
    as_json: Json = False,
) -> None:
    """Show who named records of another tenant, newest first. Tenants see none of it.

    Ten attempts of one user or API key are told one by one in a minute, a hundred of one tenant; further ones are
    counted. Addresses are opened with the installation's secret.

    Examples: `rapport security-events` · `rapport security-events --from 2026-11-01 --limit 1000 --json`
    """
    found = asyncio.run(_newest(context.obj, kind, since.replace(tzinfo=UTC) if since else None, limit))
    if as_json:
        print_json(found)
    elif found:
        print_whole(_out, _table(found))
    else:
        _out.print("Nothing of the kind has happened.")


async def _newest(tools: Tools, kind: Kind | None, since: datetime | None, limit: int) -> list[Violation]:
    async with tools.operating() as operating:
        return await newest(operating.audit, kind=kind, since=since, limit=limit)


def _table(found: Sequence[Violation]) -> Table:
    table = Table("time", "who", "of tenant", "from", "tried", "of tenant", "by", box=None, pad_edge=False)
    for each in found:
        target = each.target
        table.add_row(
            each.at.strftime("%Y-%m-%d %H:%M:%S"),
            f"{each.actor.kind} {each.actor.id}" if each.actor.id else "several",
            str(each.actor.tenant_id),
            each.address or "",
            f"{target.kind} {target.id}" if target else _told(each),
            str(target.tenant_id) if target else "",
            each.operation or "",
        )
    return table


def _told(each: Violation) -> str:
    return f"{each.count} more" if each.kind is Kind.COUNTED else f"{each.count} ids that nobody looked at"
