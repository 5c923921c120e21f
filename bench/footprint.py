"""start.again, rss.api, rss.others: how long a second start takes, and what each Python process holds in memory.

References are the limits: 5 s, 150 MB and 120 MB. Memory is read after a thousand commands.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from urllib.parse import urlsplit

import psutil

from bench.installation import ENVIRONMENT, sign_up
from bench.report import Figure, show

START_SECONDS = 5.0
API_MB = 150.0
OTHERS_MB = 120.0
COMMANDS = 1000


def start(folder: str) -> tuple[subprocess.Popen[bytes], str, float]:
    """`rapport up` on a data folder; gives the process, its URL and the seconds that it took."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "bootstrap", "up", "--data", folder, "--port", "0", "--json", "--no-demo"],
        stdout=subprocess.PIPE,
        env={**os.environ, **ENVIRONMENT},
    )
    assert process.stdout is not None  # noqa: S101
    ready = json.loads(process.stdout.readline())
    return process, ready["url"], time.perf_counter() - started


def add_contacts(url: str) -> None:
    """A thousand commands over one connection."""
    headers = {"Authorization": f"Bearer {sign_up(url)}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    for number in range(COMMANDS):
        body = json.dumps({"name": f"Ada {number}", "email": f"a{number}@engines.example", "phone": "+442079460018"})
        connection.request("POST", "/v1/contacts", body, headers)
        connection.getresponse().read()
    connection.close()


def memory(process: subprocess.Popen[bytes]) -> dict[str, float]:
    """Resident megabytes of each Python process, by what it does."""
    found = {"up": psutil.Process(process.pid).memory_info().rss / 1e6}
    for child in psutil.Process(process.pid).children():
        words = child.cmdline()
        name = words[words.index("role") + 1] if "role" in words else words[-1].rpartition(".")[2]
        found[name] = child.memory_info().rss / 1e6
    return found


def main() -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder:
        process, _, first = start(f"{folder}/data")
        process.send_signal(signal.SIGTERM)
        process.wait(15)
        process, url, again = start(f"{folder}/data")
        add_contacts(url)
        sizes = memory(process)
        process.send_signal(signal.SIGTERM)
        process.wait(15)
    api = sizes.pop("api")
    largest = max(sizes.values())
    others = ", ".join(f"{name} {size:.0f}" for name, size in sorted(sizes.items()))
    show(
        [
            Figure("start.again", again, START_SECONDS, START_SECONDS / again, "s", f"first start {first:.1f} s"),
            Figure("rss.api", api, API_MB, API_MB / api, "MB"),
            Figure("rss.others", largest, OTHERS_MB, OTHERS_MB / largest, "MB", others),
        ]
    )


if __name__ == "__main__":
    main()
