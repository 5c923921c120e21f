"""`rapport events verify`, `checkpoint`, `proof` and `check-proof`: the log against what was signed of it."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from api.cli.ports import Tools, Verified
from api.cli.printing import print_json
from domain.errors import DomainError

_FAILED_TO_RUN = 2
_MOST_SHOWN = 50
_errors = Console(stderr=True, highlight=False)
_out = Console(highlight=False)

Json = Annotated[bool, typer.Option("--json", help="For programs: JSON on standard output.")]
Tenants = Annotated[list[UUID] | None, typer.Option("--tenant", help="Only this tenant; may be given several times.")]


def add_to(events: typer.Typer) -> None:
    """Add the commands."""
    events.command("verify")(verify)
    events.command("checkpoint")(checkpoint)
    events.command("proof")(proof)
    events.command("check-proof")(check_proof)


def verify(
    context: typer.Context,
    tenant: Tenants = None,
    checkpoints: Annotated[
        Path | None, typer.Option(help="Folder of signed checkpoints, where not the set one.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0 for as many as there are cores.")] = 0,
    as_json: Json = False,
) -> None:
    """Compute every tenant's hash chain again, and compare it with the signed checkpoints. It only reads.

    Exits with 0 when all is well, 1 when something is not, 2 when it could not look.

    Example: `rapport events verify --checkpoints /mnt/audit/checkpoints`
    """
    tools: Tools = context.obj
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=_errors, transient=True, disable=as_json) as progress:
            bar = progress.add_task("events", total=None)
            report = tools.integrity.verify(
                tenants=tenant,
                checkpoints=checkpoints,
                jobs=jobs or os.cpu_count() or 1,
                on_start=lambda total: progress.update(bar, total=total),
                on_progress=lambda done: progress.advance(bar, done),
            )
    except DomainError as error:
        _errors.print(f"[bold red]rapport:[/] {error.detail}", soft_wrap=True)
        raise typer.Exit(_FAILED_TO_RUN) from error
    if as_json:
        print_json(report)
    else:
        _show(report)
    if report.findings:
        raise typer.Exit(1)


def checkpoint(context: typer.Context, tenant: Tenants = None, as_json: Json = False) -> None:
    """Sign and export checkpoints now, instead of at the next full period.

    Example: `rapport events checkpoint`
    """
    tools: Tools = context.obj
    done = asyncio.run(tools.integrity.checkpoint(tenant))
    if as_json:
        print_json(done)
    else:
        _out.print(f"{done.checkpoints} checkpoints of {done.events} events signed.")
        for tenant_id, reason in done.refused.items():
            _errors.print(f"tenant {tenant_id}: not signed, {reason}", soft_wrap=True)
    if done.refused:
        raise typer.Exit(1)


def proof(
    context: typer.Context,
    tenant: UUID,
    position: Annotated[int, typer.Argument(min=1)],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file, instead of standard output.")] = None,
) -> None:
    """Write the proof that an event is in the log: for people who trust nothing but the public key.

    Example: `rapport events proof 019b0000-0000-7000-8000-000000000001 42 -o proof.json`
    """
    tools: Tools = context.obj
    content = asyncio.run(tools.integrity.proof(tenant, position))
    if output:
        output.write_bytes(content)
    else:
        sys.stdout.buffer.write(content)


def check_proof(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    public_key: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The installation's key, a PEM file.")],
    as_json: Json = False,
) -> None:
    """Check a proof, with nothing but the public key: no database, no network, no secret.

    Example: `rapport events check-proof proof.json --public-key keys/k.pem`
    """
    tools: Tools = context.obj
    found = tools.integrity.check_proof(file.read_bytes(), public_key.read_bytes())
    if as_json:
        print_json(found)
        return
    event, signed = found["event"], found["checkpoint"]
    _out.print(
        f"The proof holds. Tenant {event['tenant']}, position {event['position']}: {event['topic']}", soft_wrap=True
    )
    _out.print(f"recorded {event['recorded_at']}, signed {signed['time']} by key {signed['kid']}", soft_wrap=True)
    _out.print(event["data"], soft_wrap=True, markup=False)


def _show(report: Verified) -> None:
    _out.print(
        f"{report.tenants} tenants, {report.events} events, {report.checkpoints} checkpoints, "
        f"{report.restores} restores in {report.seconds:.1f} s.",
        soft_wrap=True,
    )
    for finding in report.findings[:_MOST_SHOWN]:
        _out.print(
            f"[red]{finding.kind}[/]: tenant {finding.tenant}, position {finding.position}: {finding.message}",
            soft_wrap=True,
        )
    if len(report.findings) > _MOST_SHOWN:
        _out.print(f"and {len(report.findings) - _MOST_SHOWN} more; --json lists them all.")
    _out.print("[bold red]The log is not what it was.[/]" if report.findings else "The log is as it was written.")


class _Rate(ProgressColumn):
    """Events a second."""

    def render(self, task: Task) -> Text:
        """See rich."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="progress.data.speed")
