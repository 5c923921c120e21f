"""Parameters by name, for connections that take them by place only."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_NAME = re.compile(r"%\((\w+)\)s")


def placed(query: str, values: Mapping[str, Any]) -> tuple[str, tuple[Any, ...]]:
    """A query with `%s` for each `%(name)s`, and the values in that order."""
    by_place, names = _by_place(query)
    return by_place, tuple(values[name] for name in names)


@lru_cache(maxsize=128)
def _by_place(query: str) -> tuple[str, tuple[str, ...]]:
    return _NAME.sub("%s", query), tuple(_NAME.findall(query))
