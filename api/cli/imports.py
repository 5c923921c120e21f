"""`rapport import`: a file of contacts on this machine, for a user of a tenant, by the workers of the installation."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Protocol
from uuid import UUID

import typer
from msgspec import to_builtins
from rich.console import Console

from api.cli.maintenance import known_tenant
from api.cli.printing import print_json
from api.cli.progress import Meter, meter
from commands.identity.access import Principal
from commands.identity.accounts import EMAIL_CLAIM, login_name
from commands.imports.at_hand import AtHand, Wanted
from commands.imports.errors import RowError, header, lines
from domain.errors import DomainError
from domain.imports import Counts, Import, Policy, Status
from domain.tenant import PLATFORM

_LOOK_SECONDS = 0.25
_SOME_FAILED = 3
_DRY = "dry_run"
_OVER = {Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.UNDOING, Status.UNDONE}

_out = Console(highlight=False)
_progress = Console(stderr=True, highlight=False)


class Importing(Protocol):
    """What the command works with."""

    def importing(self) -> AbstractAsyncContextManager[AtHand]:
        """What files at hand are imported with."""
        ...


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_file)


def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV file.")],
    tenant: Annotated[str, typer.Option(help="The tenant's id, or the e-mail of the user who imports.")],
    user: Annotated[str | None, typer.Option(help="Who imports, by e-mail or id, where --tenant is an id.")] = None,
    mapping: Annotated[
        list[str] | None, typer.Option(help='What a column is where the guess is wrong: "E-mail=email", "Junk=".')
    ] = None,
    policy: Annotated[Policy, typer.Option(help="What becomes of rows whose contact is there.")] = Policy.SKIP,
    country: Annotated[str | None, typer.Option(help="Of phones without country code, like DE.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Found out where it is not given.")] = None,
    errors: Annotated[Path | None, typer.Option(help="Where lines about bad cells go; FILE.errors.csv.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would become of the rows.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: JSON on standard output.")] = False,
) -> None:
    """Import contacts from a file, as POST /v1/imports does, and wait for the end.

    It is the act of a user, who needs contacts.import. Interrupted, it goes on all the same: the workers have it.
    Exits with 0 when all rows were taken, 3 when some were not, 1 when it was refused or has failed.
    Examples: `rapport import people.csv --tenant ada@engines.example --dry-run` ·
    `rapport import people.csv --tenant ada@engines.example --policy update --mapping "Mail=email" --mapping "Junk="`
    """
    wanted = Wanted(policy=policy, mapping=_mapping(mapping or ()), country=country, encoding=encoding)
    target = errors or file.with_name(f"{file.name}.errors.csv")
    with meter(_progress, as_json=False) if not as_json else meter(_out, as_json=True) as show:
        told = asyncio.run(_import(context.obj, file, (tenant, user), wanted, target, show, dry_run=dry_run))
    if as_json:
        print_json(told)
    else:
        _tell(told)
    if told["status"] not in {Status.COMPLETED.value, _DRY}:
        raise typer.Exit(1)
    if told["counts"]["failed"]:
        raise typer.Exit(_SOME_FAILED)


async def _import(
    tools: Importing,
    file: Path,
    whose: tuple[str, str | None],
    wanted: Wanted,
    target: Path,
    show: Meter,
    *,
    dry_run: bool,
) -> dict[str, Any]:
    listed = _Listed(target)
    async with tools.importing() as at_hand:
        caller = await _caller(at_hand, *whose)
        with _opened(file, at_hand.imports.most_bytes) as opened:
            if dry_run:
                last = Counts()

                def told(counts: Counts, rows: int) -> None:
                    nonlocal last
                    last = counts
                    show("try", counts.done, rows)

                async for errors in at_hand.tried(caller, file.name, opened, wanted, told):
                    listed.add(errors)
                return {"status": _DRY, "id": None, "counts": _all(last), "errors": listed.path}
            import_id = await at_hand.start(caller, file.name, opened, wanted)
        state = await _followed(at_hand, caller.tenant_id, import_id, show)
        async for errors in at_hand.errors(caller.tenant_id, import_id):
            listed.add(errors)
        status, counts = state.status.value, _all(state.counts)
        return {"status": status, "id": str(import_id), "counts": counts, "errors": listed.path}


async def _followed(at_hand: AtHand, tenant_id: UUID, import_id: UUID, show: Meter) -> Import:
    """The import when it is over."""
    while True:
        state = await at_hand.state(tenant_id, import_id)
        show("import", state.counts.done, state.rows)
        if state.status in _OVER:
            return state
        await asyncio.sleep(_LOOK_SECONDS)


async def _caller(at_hand: AtHand, tenant: str, user: str | None) -> Principal:
    tenant_id = await known_tenant(at_hand.store, tenant)
    asked = user or tenant
    if "@" not in asked:
        if user is None:
            raise DomainError("user.not_found", "an import is a user's act", hint="Say whose it is with --user.")
        with suppress(ValueError):
            return await at_hand.caller(tenant_id, UUID(asked))
    owner = await at_hand.store.holder(PLATFORM, EMAIL_CLAIM, login_name(asked))
    if owner is None or owner.tenant_id != tenant_id:
        raise DomainError("user.not_found", f"{asked!r} is no user of this tenant")
    return await at_hand.caller(tenant_id, owner.stream_id)


def _mapping(pairs: Iterable[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for pair in pairs:
        column, sign, target = pair.rpartition("=")
        if not sign:
            raise typer.BadParameter(f"{pair!r} is no COLUMN=FIELD", param_hint="--mapping")
        found[column] = target or None
    return found


def _all(counts: Any) -> dict[str, int]:
    """Counts with those that are zero."""
    return {name: getattr(counts, name) for name in counts.__struct_fields__}


def _opened(file: Path, most: int) -> BinaryIO:
    if file.stat().st_size > most:
        text = f"the file has more than {most // 1_048_576} MB"
        raise DomainError("body.too_large", text, hint="Import it in several files.")
    return file.open("rb")


class _Listed:
    """The file of what was wrong; it is there once there is something."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self.path: str | None = None

    def add(self, errors: Sequence[RowError]) -> None:
        if not errors:
            return
        with self._target.open("a" if self.path else "w", encoding="utf-8", newline="") as opened:
            opened.write(("" if self.path else header()) + lines(errors))
        self.path = str(self._target)


def _tell(told: dict[str, Any]) -> None:
    counts = ", ".join(f"{count:,} {name}" for name, count in to_builtins(told["counts"]).items() if count)
    _out.print(f"{told['status'].replace('_', ' ')}: {counts or 'no rows'}", soft_wrap=True, markup=False)
    if told["id"]:
        _out.print(f"import {told['id']}", soft_wrap=True, markup=False)
    if told["errors"]:
        _out.print(f"what was wrong: {told['errors']}", soft_wrap=True, markup=False)
