"""`rapport keys rotate`, `list` and `rewrap`: keys that sign access tokens, and the master key of personal data."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.cli.ports import Tools
from api.cli.printing import print_json, print_whole
from api.cli.progress import meter

_errors = Console(stderr=True, highlight=False)
_out = Console(highlight=False)

Json = Annotated[bool, typer.Option("--json", help="For programs: JSON on standard output.")]

app = typer.Typer(help="Keys that sign access tokens, and the master key.", no_args_is_help=True)


@app.command()
def rotate(
    context: typer.Context,
    at_once: Annotated[bool, typer.Option(help="A key was stolen: retire every other key now.")] = False,
    as_json: Json = False,
) -> None:
    """Make a new key that signs access tokens. Run it with the settings that the API processes have.

    It is published now and signs in 15 minutes; the old one verifies until its last token has expired. With --at-once
    it signs now, and within 30 seconds no process takes a token of another: clients refresh. Nothing is restarted.

    Example: `rapport keys rotate`
    """
    tools: Tools = context.obj
    kid = tools.keys.rotate(at_once=at_once)
    if as_json:
        print_json({"kid": kid})
    else:
        _out.print(f"The new key is {kid}.")


@app.command("list")
def list_keys(context: typer.Context, as_json: Json = False) -> None:
    """List the keys that sign access tokens: from when each signs, and until when it verifies.

    Example: `rapport keys list --json`
    """
    tools: Tools = context.obj
    found = tools.keys.turns()
    if as_json:
        print_json(found)
        return
    table = Table("key", "state", "signs from", "verifies until")
    for key in found:
        until = key.retires_at.isoformat(timespec="seconds") if key.retires_at else "it is followed by another"
        table.add_row(key.kid, key.state, key.signs_from.isoformat(timespec="seconds"), until)
    print_whole(_out, table)


@app.command()
def rewrap(context: typer.Context, as_json: Json = False) -> None:
    """Wrap every tenant's key with the first of the master keys that are set. It can be stopped and started again.

    Example: `RAPPORT_MASTER_KEY="NEW OLD" rapport keys rewrap`
    """
    tools: Tools = context.obj
    total = 0

    def start(found: int) -> None:
        nonlocal total
        total = found

    with meter(_errors, as_json=as_json) as show:
        count = tools.keys.rewrap(on_start=start, on_progress=lambda done: show("tenant keys", done, total))
    if as_json:
        print_json({"rewrapped": count})
    else:
        _out.print(f"{count} tenants' keys wrapped again; the old master key is not needed any more.")
