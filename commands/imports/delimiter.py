"""What stands between the cells of a file. Pure."""

import csv
import io
from collections import Counter
from collections.abc import Sequence

SNIFFED = 65_536
"""Characters that are looked at."""
SAMPLE_ROWS = 200
_DELIMITERS = (",", ";", "\t", "|")


def delimiter_of(text: str) -> str:
    """What stands between the cells: that which cuts most rows into as many cells as the header, and the most."""

    def fits(delimiter: str) -> tuple[float, int]:
        records = [record for record in _some_records(text, delimiter) if record]
        if not records or len(records[0]) < 2:  # noqa: PLR2004
            return 0.0, 0
        counts = Counter(map(len, records))
        return round(counts[len(records[0])] / len(records), 1), len(records[0])

    best = max(_DELIMITERS, key=fits)
    return best if fits(best) > (0.0, 0) else ","


def _some_records(text: str, delimiter: str) -> Sequence[list[str]]:
    records = []
    try:
        for record in csv.reader(io.StringIO(text[:SNIFFED], newline=""), delimiter=delimiter):
            records.append(record)
            if len(records) > SAMPLE_ROWS:
                break
    except csv.Error:
        return records
    return records[:-1] if len(text) >= SNIFFED and len(records) > 1 else records
