"""What a check has counted and found."""

from msgspec import Struct, field


class Report(Struct):
    """What was counted, what could not be looked at, and what was wrong; nothing of that, when all is well."""

    tenants: int = 0
    streams: int = 0
    events: int = 0
    commands: int = 0
    contacts: int = 0
    documents: int = 0
    parked: int = 0
    acked: int = 0
    refused: int = 0
    unknown: int = 0
    lost: int = 0
    """Commands that were acknowledged before an older copy of the database was put back that lacks them."""
    faults: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def counts(self) -> str:
        """In one line."""
        log = ("tenants", "streams", "events", "commands", "contacts", "documents", "parked")
        asked = ("acked", "refused", "unknown", "lost")
        always = {"events", "acked", "refused", "unknown"} if self.faults else {"events"}
        counted = [f"{getattr(self, n)} {n}" for n in (*asked, *log) if getattr(self, n) or n in always]
        return ", ".join([*counted, *(f"{count} {what}" for what, count in sorted(self.faults.items()))])

    def __str__(self) -> str:
        return "\n".join([self.counts(), *self.notes, *self.problems])
