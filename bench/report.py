"""Figures as JSON lines or as a table; a ratio is always such that more is better."""

import sys
from collections.abc import Sequence

import msgspec
from msgspec import Struct


class Figure(Struct, frozen=True):
    """One figure beside its reference, measured in the same run."""

    name: str
    ours: float
    reference: float
    ratio: float
    unit: str
    note: str = ""


def head(arguments: Sequence[str]) -> None:
    """Print what stands above the columns; nothing with --json, where every line is a figure."""
    if "--json" not in arguments:
        print(f"{'name':32} {'ours':>12} {'reference':>12} {'ratio':>8}  unit", flush=True)


def show(figures: Sequence[Figure], arguments: Sequence[str] | None = None) -> None:
    """Print figures: JSON lines with --json, else aligned columns."""
    if "--json" in (sys.argv if arguments is None else arguments):
        for figure in figures:
            print(msgspec.json.encode(figure).decode(), flush=True)
        return
    for f in figures:
        print(f"{f.name:32} {f.ours:12,.2f} {f.reference:12,.2f} {f.ratio:8.2f}  {f.unit}  {f.note}", flush=True)
