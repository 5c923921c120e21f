"""Cells of CSV files: no formula for a spreadsheet, several values in one, and all of that back again. Pure.

What an export writes an import reads; docs/export.md has the rules for others. Cells that begin like formulas are
OWASP's "CSV Injection".
"""

import re
from collections.abc import Iterable

USUAL_KIND = "work"
"""The kind of e-mails and phones that goes without saying."""

_FORMULA = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_BEGINS_ONE = re.compile(f"'*[{_FORMULA}]")
_RISKY = frozenset("'=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_SPECIAL = re.compile(r"([\\;,|])")
_PIECES = re.compile(r"\\(.)|([;|\n])|(,)|([^\\;|\n,]+|\\)", re.DOTALL)
_LABELLED = re.compile(r"([a-z][a-z0-9_]{0,31}):\s*(.*)", re.DOTALL)


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: one that begins like one gets an apostrophe before it."""
    return f"'{cell}" if cell and cell[0] in _RISKY and _BEGINS_ONE.match(cell) else cell


def unguarded(cell: str) -> str:
    """A cell without that apostrophe."""
    return cell[1:] if cell.startswith("'") and _BEGINS_ONE.match(cell) else cell


def joined(values: Iterable[str]) -> str:
    """Several values in a cell; what would end one has a backslash before it."""
    return "; ".join([_SPECIAL.sub(r"\\\1", value) if _SPECIAL.search(value) else value for value in values])


def several(cell: str) -> list[str]:
    """The values of a cell, between semicolons, bars or line ends; where there is none of those, between commas."""
    found, pieces = [""], _PIECES.findall(cell)
    by_commas = not any(ends for _, ends, _, _ in pieces)
    for escaped, ends, comma, text in pieces:
        if ends or (comma and by_commas):
            found.append("")
        else:
            found[-1] += (escaped if escaped in {"\\", ";", ",", "|"} else f"\\{escaped}") if escaped else comma or text
    return [value.strip() for value in found if value.strip()]


def labelled(kind: str, value: str) -> str:
    """An e-mail or phone with its kind, unless that is the usual one."""
    return value if kind == USUAL_KIND else f"{kind}: {value}"


def unlabelled(value: str) -> tuple[str, str]:
    """The kind and the value of an e-mail or phone."""
    found = _LABELLED.fullmatch(value)
    return (found[1], found[2]) if found else (USUAL_KIND, value)
