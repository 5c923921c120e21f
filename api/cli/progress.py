"""How far long work is: bars for people, lines of JSON for programs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from api.cli.printing import print_json

_LINE_SECONDS = 0.5


class Meter(Protocol):
    """Told how much of how much is done in a stage of some work."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """The stage's name, what is done and what there is to do."""
        ...


class Rate(ProgressColumn):
    """Events a second."""

    def render(self, task: Task) -> Text:
        """See rich."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="progress.data.speed")


@contextmanager
def meter(console: Console, *, as_json: bool) -> Iterator[Meter]:
    """A meter that shows what it is told: a bar for each stage, or a line twice a second and at a stage's end."""
    if as_json:
        yield _Lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        tasks = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=total)
            progress.update(tasks[stage], completed=done, total=total)

        yield show


class _Lines:
    def __init__(self) -> None:
        self._started: dict[str, float] = {}
        self._told = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        seconds = now - self._started.setdefault(stage, now)
        if done < total and now - self._told < _LINE_SECONDS:
            return
        self._told = now
        rate = done / seconds if seconds else 0.0
        line = {
            "stage": stage,
            "done": done,
            "total": total,
            "per_second": round(rate),
            "seconds_left": round((total - done) / rate, 1) if rate else None,
        }
        print_json(line)
