"""Which tests show which requirement: `python -m tests.requirements > docs/requirements.md`.

A test file names the ids that it proves in its docstrings; this collects them. tests/test_requirements.py keeps the
document true.
"""

import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

TITLES = {
    "R1.1": "Register a tenant with its first admin; users and invites; bcrypt off the event loop, nothing truncated",
    "R1.2": "Login with an asymmetric JWT, key ids, JWKS; refresh tokens",
    "R1.3": "One uniform error for bad credentials; slowing down and locking",
    "R1.4": "Expired tokens refused, refresh rotation, logout, second factor",
    "R1.5": "Profile edits validated; who changed what from what to what",
    "R1.6": "API keys",
    "R2.1": "Roles, several a user",
    "R2.2": "Every protected act is checked; a route without a permission fails at start-up",
    "R2.3": "403 with the permission that was needed",
    "R2.4": "A change of roles takes effect on the very next request",
    "R2.5": "Effective permissions, and why",
    "R2.6": "Record scope and field rules",
    "R3.1": "Contacts with their fields; custom fields",
    "R3.2": "Fuzzy search: typos, prefixes, accents, word order",
    "R3.3": "The full profile in one call",
    "R3.4": "Every bad field at once, with pointer, code and message; nothing is saved",
    "R3.5": "Import, duplicates, merge, export",
    "R4.1": "Interactions",
    "R4.2": "Timeline",
    "R4.3": "Review queue",
    "R4.4": "Notes",
    "R4.5": "Reports",
    "R5.1": "Leads and their moves",
    "R5.2": "Time, actor and reason of each move",
    "R5.3": "Inactivity",
    "R5.4": "Pipeline",
    "R5.5": "Conversion",
    "R5.6": "Scoring",
    "R6.1": "The token identifies the tenant; no request names one",
    "R6.2": "Row level security under a role that cannot bypass it, and a second wall in code",
    "R6.3": "Another tenant's record answers like a missing one; security violations",
    "R6.4": "New records get the caller's tenant",
    "R6.5": "Background work one tenant at a time; a failing tenant stops no other",
    "R7.1": "A token on every call; rate limits",
    "R7.2": "gRPC services",
    "R7.3": "429 with Retry-After and RateLimit headers",
    "R7.4": "One error shape with a stable code, a correlation id and a hint",
    "R7.5": "OpenAPI 3.1 with examples, an offline page; AsyncAPI",
    "N-P1": "Latency under many users",
    "N-P2": "Memory of a service instance",
    "N-P3": "Search within 500 ms at a million contacts",
    "N-P4": "CPU at peak",
    "N-S1": "TLS, encryption at rest",
    "N-S2": "Least privilege",
    "N-S3": "A complete audit trail",
    "N-S4": "Security and dependency scanning",
    "N-R1": "Health checks, failover, rolling restarts",
    "N-R2": "ACID",
    "N-R3": "Circuit breakers and graceful degradation",
    "N-R4": "Backups and rehearsed restores",
    "N-R5": "Metrics, traces, alerts",
    "N-U1": "REST and OpenAPI",
    "N-U2": "Helpful errors",
    "N-U3": "One response shape",
    "N-U4": "Cursor pages",
    "N-U5": "API versions",
    "N-K1": "Kubernetes autoscaling",
    "N-K2": "Read replicas and pooling",
    "N-K3": "Cache with TTLs",
    "N-K4": "Load balancing with health checks",
    "N-C1": "GDPR and CCPA",
    "N-C2": "Retention",
    "N-C3": "Data residency",
    "N-C4": "Evidence for SOC 2",
    "B1": "As-of reads",
    "B2": "Undo a merge or an import",
    "B3": "Erasure with a receipt",
    "B4": "Tamper-evident audit chain",
    "B5": "Gap-free feed",
    "B6": "Rebuild read models without downtime",
    "B7": "Read your own writes, across Postgres and search",
    "B8": "Dry run of any command",
    "B9": "Who could see this record on that day",
    "B10": "Export and replay of a tenant's log",
    "Invariant 1": "Positions of a tenant are 1..n without gap or repeat",
    "Invariant 2": "An acknowledged command's events are there exactly once, whatever was killed",
    "Invariant 3": "A read model equals a fresh fold of the log",
    "Invariant 4": "Nothing of one tenant contains another's data",
    "Invariant 5": "The chain verifies after erasure",
    "Invariant 6": "A failed command changes nothing",
    "Invariant 7": "Every unique key starts with tenant_id",
    "Invariant 8": "Every route declares a permission",
}

_ID = re.compile(r"\b(R\d\.\d+|N-[A-Z]\d|B\d+|[Ii]nvariant \d)\b")
_HEAD = """# Requirements and their tests

Which test files show which requirement; partly shown ones are listed too. Made by `python -m tests.requirements`.

| id | what | tests |
|---|---|---|
"""


def files_by_id() -> dict[str, list[str]]:
    """Test files by the ids that they name."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for name in _ID.findall(file.read_text()):
            found[name[:1].upper() + name[1:]].add(file.relative_to(ROOT).as_posix())
    return {name: sorted(files) for name, files in found.items()}


def document() -> str:
    """The whole of docs/requirements.md."""
    found = files_by_id()
    rows = [
        f"| {name} | {title} | {', '.join(f'[{Path(f).stem}](../{f})' for f in found.get(name, [])) or 'none yet'} |\n"
        for name, title in TITLES.items()
    ]
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201
