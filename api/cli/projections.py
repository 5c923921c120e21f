"""`rapport projections list`, `rebuild`, `verify`, `parked`, `retry` and `skip`."""

import asyncio
import getpass
import os
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from api.cli import read_models
from api.cli.ports import Tools
from api.cli.printing import print_json, print_whole
from api.cli.progress import meter
from api.cli.read_models import Done
from domain.errors import DomainError
from projections.parked import Skip
from projections.ports import Parked
from projections.verify import Verified

_errors = Console(stderr=True, highlight=False)
_out = Console(highlight=False)

Json = Annotated[bool, typer.Option("--json", help="For programs: JSON on standard output.")]
Name = Annotated[str | None, typer.Argument(help="A projection; without it, all of them.")]
Tenant = Annotated[UUID | None, typer.Option(help="Only this tenant.")]
Stream = Annotated[UUID | None, typer.Option(help="Only this stream (a contact's id, for example).")]

app = typer.Typer(help="The read models.", no_args_is_help=True)


@app.command("list")
def list_projections(context: typer.Context, as_json: Json = False) -> None:
    """Every projection, its version, for how many tenants it lags, and how many streams it has parked."""
    states = asyncio.run(read_models.states(context.obj))
    if as_json:
        print_json(states)
        return
    table = Table("projection", "version", "tenants", "behind", "parked")
    for state in states:
        table.add_row(state.name, str(state.version), str(state.tenants), str(state.behind), str(state.parked))
    print_whole(_out, table)


@app.command()
def rebuild(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A projection, or `search` for the search index.")],
    tenant: Tenant = None,
    stream: Stream = None,
    fresh: Annotated[bool, typer.Option(help="Begin anew instead of going on with an interrupted rebuild.")] = False,
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0 for as many as there are cores.")] = 0,
    as_json: Json = False,
) -> None:
    """Build a read model anew from the log beside the one that is read, and put it in its place in one step.

    Killed in the middle, the same command goes on where it was. With --tenant, or --tenant and --stream, only those
    rows are built anew.

    Example: `rapport projections rebuild contact`
    """
    tools: Tools = context.obj
    if stream and not tenant:
        raise DomainError("rebuild.tenant_missing", "--stream needs --tenant", hint="Streams belong to a tenant.")
    with meter(_errors, as_json=as_json) as told:
        if tenant:
            done = asyncio.run(read_models.mend(tools, name, told, tenant_id=tenant, stream_id=stream))
        else:
            done = asyncio.run(read_models.rebuild(tools, name, told, fresh=fresh, jobs=jobs or os.cpu_count() or 1))
    if as_json:
        print_json(done)
    else:
        _show_done(done)


@app.command()
def verify(context: typer.Context, name: Name = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """Compare read models with a fresh fold of the log. It changes nothing.

    Exits with 1 when something differs, or could not be compared because it kept moving.

    Example: `rapport projections verify contact`
    """
    with meter(_errors, as_json=as_json) as told:
        found = asyncio.run(read_models.verify(context.obj, name, told, tenant_id=tenant))
    wrong = {each: [v for v in verified if v.differences] for each, verified in found.items()}
    if as_json:
        print_json({"verified": found})
    else:
        for each, verified in found.items():
            _show_verified(each, verified, wrong[each])
    if moving := sum(each.position is None for verified in found.values() for each in verified):
        _errors.print(
            f"[bold red]rapport:[/] {moving} read models of tenants kept moving and were not compared\n"
            "  Verify them again when less is written, or when projectors have caught up.",
            soft_wrap=True,
        )
    if moving or any(wrong.values()):
        raise typer.Exit(1)


@app.command()
def parked(context: typer.Context, name: Name = None, as_json: Json = False) -> None:
    """Streams that wait because one of their events could not be applied, the longest first."""
    found = asyncio.run(read_models.parked(context.obj, name))
    if as_json:
        print_json(found)
    else:
        _show_parked(found)


@app.command()
def retry(
    context: typer.Context, name: Name = None, tenant: Tenant = None, stream: Stream = None, as_json: Json = False
) -> None:
    """Apply what waits of parked streams, in order.

    Exits with 1 when some have to go on waiting, or when the stream that is named does not wait.

    Example: `rapport projections retry contact`
    """
    freed, left = asyncio.run(read_models.retry(context.obj, name, tenant_id=tenant, stream_id=stream))
    _show_retried(freed, left, as_json=as_json)


@app.command()
def skip(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A projection.")],
    tenant: Annotated[UUID, typer.Option(help="The tenant.")],
    stream: Annotated[UUID, typer.Option(help="The stream.")],
    why: Annotated[str, typer.Option(help="Why it is right to leave the event out; kept with the decision.")],
    by: Annotated[str, typer.Option(help="Who decides; the user of this machine when it is not said.")] = "",
    as_json: Json = False,
) -> None:
    """Go on with a parked stream without the event that parked it. Rebuilds leave it out as well.

    Example: `rapport projections skip contact --tenant ID --stream ID --why "made by a bug, ticket 12"`
    """
    decision = Skip(by or getpass.getuser(), why)
    freed, left = asyncio.run(read_models.retry(context.obj, name, tenant_id=tenant, stream_id=stream, skip=decision))
    _show_retried(freed, left, as_json=as_json)


def _show_done(done: Done) -> None:
    rate = done.events / done.seconds if done.seconds else 0
    kind = "contacts" if done.name == read_models.SEARCH else "events"
    resumed = " (went on with an interrupted one)" if done.resumed else ""
    _out.print(f"{done.name}: built from {done.events:,} {kind} in {done.seconds:.1f} s, {rate:,.0f}/s{resumed}.")
    for each in done.different:
        tables = ", ".join(
            f"{old.table} {old.rows} rows before, {new.rows} now" for old, new in each.sums if old != new
        )
        _out.print(f"  tenant {each.tenant_id} had other rows: {tables}", soft_wrap=True)
    if done.uncompared:
        _out.print(f"  {done.uncompared} tenants could not be compared: what is read has not got so far.")


def _show_verified(name: str, verified: Sequence[Verified], wrong: Sequence[Verified]) -> None:
    moving = sum(each.position is None for each in verified)
    waiting = sum(len(each.parked) for each in verified)
    _out.print(
        f"{name}: {len(verified)} tenants, {len(wrong)} differ"
        + (f", {moving} kept moving and were not compared" if moving else "")
        + (f", {waiting} parked streams" if waiting else "")
    )
    for each in wrong:
        for difference in each.differences:
            keys = ", ".join(difference.keys)
            _out.print(
                f"  tenant {each.tenant_id} at {each.position}: {difference.rows} rows of {difference.table}: {keys}",
                soft_wrap=True,
            )


def _show_parked(found: Sequence[Parked]) -> None:
    table = Table("projection", "tenant", "stream", "position", "since", "tries", "reason")
    for each in found:
        since = each.since.isoformat(timespec="seconds")
        ids = (str(each.tenant_id), str(each.stream_id))
        table.add_row(each.projection, *ids, str(each.position), since, str(each.attempts), each.reason)
    if found:
        print_whole(_out, table)
    else:
        _out.print("Nothing is parked.")


def _show_retried(freed: int, left: Sequence[Parked], *, as_json: bool) -> None:
    if as_json:
        print_json({"applied": freed, "parked": left})
    else:
        _out.print(f"{freed} streams go on, {len(left)} wait.")
        if left:
            _show_parked(left)
    if left:
        raise typer.Exit(1)
