"""The command `rapport`."""

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api.cli import imports, integrity, keys, maintenance, operator, projections, tenants, users
from api.cli.ports import Tools
from api.cli.printing import print_json
from domain.errors import DomainError

_ALL_ROLES = "identity,crm,relay,projector,worker"
_errors = Console(stderr=True, highlight=False)
_out = Console(highlight=False)

app = typer.Typer(
    help="Rapport, the event-sourced core of a CRM. `rapport up` starts everything.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
events = typer.Typer(help="The event log.", no_args_is_help=True)
app.add_typer(events, name="events")
integrity.add_to(events)
app.add_typer(projections.app, name="projections")
operator.add_to(app)
imports.add_to(app)
app.add_typer(tenants.app, name="tenant")
app.add_typer(users.app, name="user")
app.add_typer(keys.app, name="keys")


class Search(StrEnum):
    """Backends of contact search."""

    POSTGRES = "postgres"
    OPENSEARCH = "opensearch"


Json = Annotated[bool, typer.Option("--json", help="For programs: JSON on standard output.")]


def run(tools: Tools, arguments: Sequence[str]) -> None:
    """Carry out a command line; exits with 0, 1 (refused) or 2 (wrong usage)."""
    try:
        app(list(arguments), obj=tools, prog_name="rapport")
    except DomainError as refused:
        _errors.print(f"[bold red]rapport:[/] {refused.detail}", soft_wrap=True)
        if refused.hint:
            _errors.print(f"  {refused.hint}", soft_wrap=True)
        raise SystemExit(1) from None


@app.command()
def up(
    context: typer.Context,
    data: Annotated[Path | None, typer.Option(help="Folder for all data of the local servers.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the API; 0 for any free one.")] = 8000,
    search: Annotated[Search | None, typer.Option(help="opensearch has Postgres as its fallback.")] = None,
    roles: Annotated[str, typer.Option(help="What to run of identity, crm, relay, projector, worker.")] = _ALL_ROLES,
    demo: Annotated[bool, typer.Option(help="Load demo data the first time.")] = True,
    migrate: Annotated[bool, typer.Option(help="Bring the database to the current schema first.")] = True,
    as_json: Json = False,
) -> None:
    """Start everything on this machine and serve until Ctrl-C or SIGTERM.

    Examples: `rapport up` · `rapport up --port 0 --no-demo --json` · `rapport up --search postgres --data /srv/rapport`
    """
    tools: Tools = context.obj
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    installation = tools.start(
        data=data,
        port=port,
        search=search,
        roles=[name.strip() for name in roles.split(",") if name.strip()],
        migrated=not migrate,
        tell=(lambda _: None) if as_json else (lambda text: _errors.print(text, style="dim")),
    )
    try:
        if demo:
            _load_demo(tools, quiet=as_json, stopped=stop.is_set)
        if stop.is_set():
            # Nobody is told that it is ready: it is about to be gone.
            if demo and not as_json:
                _errors.print("The next start goes on with the demo data where this one was stopped.", style="dim")
        elif as_json:
            print_json(installation.ready())
        else:
            _welcome(installation.ready()["url"], demo=demo)
        while not stop.wait(0.2):
            installation.watch()
    finally:
        if not as_json:
            _errors.print("Stopping ...", style="dim")
        installation.stop()


@app.command()
def migrate(context: typer.Context, as_json: Json = False) -> None:
    """Bring the database that RAPPORT_POSTGRES_DSN names to the current schema.

    The role of that DSN must be able to create roles. Example: `RAPPORT_POSTGRES_DSN=postgresql://... rapport migrate`
    """
    applied = context.obj.migrate()
    if as_json:
        print_json({"applied": applied})
    else:
        _out.print("\n".join(applied) or "The schema is current.")


@app.command()
def restore(context: typer.Context, as_json: Json = False) -> None:
    """Tell Rapport that the database was restored from a backup. To be run once, before any role is started again.

    A restored log uses positions again that streams, indexes and clients know other events by, so another incarnation
    begins. Example: `RAPPORT_POSTGRES_DSN=postgresql://... rapport restore`
    """
    applied = context.obj.migrate(restored=True)
    if as_json:
        print_json({"applied": applied})
    else:
        _out.print("\n".join(applied))


@app.command()
def demo(context: typer.Context) -> None:
    """Load the demo data: 3 tenants with 5,000 contacts and half a year with them. What is there stays as it is."""
    _load_demo(context.obj, quiet=False, stopped=lambda: False)


@events.command("tail")
def tail(
    context: typer.Context,
    tenant: Annotated[str, typer.Argument(help="A tenant's id, or the e-mail of one of its users.")],
    after: Annotated[int, typer.Option(min=0, help="Start after this position.")] = 0,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as events come.")] = False,
) -> None:
    """Print a tenant's events, one JSON object a line.

    Example: `rapport events tail ada@example.com --follow`
    """
    try:
        asyncio.run(maintenance.tail(context.obj, tenant, after, print_json, follow=follow))
    except KeyboardInterrupt:
        return


def _load_demo(tools: Tools, *, quiet: bool, stopped: Callable[[], bool]) -> None:
    from api.cli import demo as data  # noqa: PLC0415  names of demo people are of no use to other commands

    async def load(progress: Progress) -> None:
        async with tools.writing() as w:
            for tenant in data.tenants():
                if stopped():
                    return
                bar = progress.add_task(tenant.name, total=len(tenant.contacts))
                advance = partial(progress.advance, bar)
                if await data.load(tenant, w.store, w.passwords, tools.clock, tools.new_id, advance, stopped) is None:
                    progress.update(bar, visible=False)

    with _progress(disable=quiet) as shown:
        asyncio.run(load(shown))


def _progress(*, disable: bool = False) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=_errors,
        disable=disable,
    )


def _welcome(url: str | None, *, demo: bool) -> None:
    if url is None:
        _out.print("Running without an API. Ctrl-C stops it.")
        return
    _out.print(f"\n[bold]Rapport is at {url}[/]   (API document: {url}/docs)", soft_wrap=True)
    if demo:
        from api.cli import demo as data  # noqa: PLC0415  as above

        first = data.tenants()[0]
        _out.print(f"Login: {first.admin_email}   password: {first.password}\n")
        sys.stdout.write("\n".join(data.curl_lines(url, first)) + "\n\n")
    _out.print("Ctrl-C stops it.")
