"""Keeps processes small and quick: less is imported, and what stays is not collected again and again."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import cast


@contextmanager
def without(name: str) -> Iterator[None]:
    """Whoever tries to import a package in this block does not find it."""
    if name in sys.modules:
        yield
        return
    modules: dict[str, ModuleType | None] = cast("dict[str, ModuleType | None]", sys.modules)
    modules[name] = None  # which is how Python itself marks what can't be imported
    try:
        yield
    finally:
        del sys.modules[name]


def import_leanly() -> None:
    """Import structlog without what it would draw traces with, and the NATS client without its WebSockets.

    Both together are half a second and 20 MB of every role process.
    """
    with without("rich"):
        import_module("structlog")
    with without("aiohttp"):
        import_module("nats")


def collect_seldom() -> None:
    """What is there by now stays: the collector need not look at it again, and seldom at what work leaves behind."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
