"""crm_sales.seconds: loading a seller's 8,800 opportunities through the API, until the figures tell of them.

    python -m bench.crm_sales [FOLDER] [--json]

FOLDER has accounts.csv, sales_teams.csv and sales_pipeline.csv, which are no part of the project; by default they are
looked for in ../shared/data/crm-sales. The totals are compared with those of the files: other ones are an error.
"""

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import psutil

from bench.crm_data import FOLDER, STATUSES, Sales, load, read
from bench.installation import installation, sign_up
from bench.report import Figure, show

MOST_SECONDS = 60.0
_ROLES = ("api", "projector", "relay", "worker")


def loaded(client: httpx.Client, sales: Sales) -> None:
    """Load it, and wait until the figures have all of it."""
    position = 0

    def send(method: str, path: str, body: Any) -> Any:
        nonlocal position
        answer = client.request(method, path, json=body)
        answer.raise_for_status()
        position = max(position, int(answer.headers.get("Event-Position", 0)))
        return answer.json()

    load(send, sales)
    while True:
        answer = client.get("/v1/pipeline", headers={"Read-After": str(position)})
        if answer.status_code != 503:
            break
    check(answer.raise_for_status().json(), sales)


def check(figures: dict[str, Any], sales: Sales) -> None:
    """Refuse to tell how fast what is wrong was."""
    found = {each["status"]: each["count"] for each in figures["statuses"] if each["count"]}
    wanted = Counter(STATUSES[row["deal_stage"]] for row in sales.opportunities)
    if found != wanted:
        raise ValueError(f"the pipeline says {found}, the file {dict(wanted)}")


def processor_seconds(pid: int) -> dict[str, float]:
    """What each process of an installation has used so far; the servers' together, but those that came and went."""
    used: dict[str, float] = {}
    for child in psutil.Process(pid).children(recursive=True):
        command = child.cmdline()
        name = next((role for role in _ROLES if role in command[-2:]), child.name())
        times = child.cpu_times()
        used[name] = used.get(name, 0) + times.user + times.system
    return used


def main() -> None:
    folders = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    sales = read(Path(folders[0]) if folders else FOLDER)
    with installation("--search", "postgres") as ready:
        url = str(ready["url"])
        headers = {"Authorization": f"Bearer {sign_up(url)}"}
        with httpx.Client(base_url=url, headers=headers, timeout=120) as client:
            before = processor_seconds(ready["pid"])
            started = time.perf_counter()
            loaded(client, sales)
            taken = time.perf_counter() - started
            after = processor_seconds(ready["pid"])
    used = {name: seconds - before.get(name, 0) for name, seconds in after.items()}
    parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in sorted(used.items()) if seconds > 0.05)
    note = f"a limit; processor seconds: {parts}"
    show([Figure("crm_sales.seconds", taken, MOST_SECONDS, MOST_SECONDS / taken, "s", note)])


if __name__ == "__main__":
    main()
