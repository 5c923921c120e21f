"""Tenants whose interactions are told, corrected and told of contacts that are merged, step by step."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

from commands.ports import StreamEvents
from domain.contact import ContactMerged, ContactUnmerged
from domain.event import Event
from domain.interaction import Channel, Direction, InteractionChanged, InteractionLogged, Type
from infra.event_store.store import PostgresEventStore
from projections.contacts import family as contact_family
from projections.interactions import interaction
from projections.reports import report
from tests.conftest import SECRET, Database
from tests.given import registered, some_id
from tests.infra.event_store.appends import append

AUTHORS = (some_id(1), some_id(2), None)
BEGIN = datetime(2026, 1, 30, 20, tzinfo=UTC)
"""Some hours before midnight, some days before another month."""
MODELS = (interaction.PROJECTION, contact_family.PROJECTION, report.PROJECTION)
CONTACTS = 3
THREADS = (some_id(11), some_id(12))

Step = tuple[str, Any]


def steps(chance: Random, count: int) -> Iterator[Step]:
    """A history at random: most of it conversation, at few times, so that many are the same."""
    for _ in range(count):
        match chance.choices(("log", "change", "merge", "unmerge"), (12, 5, 1, 1))[0]:
            case "log":
                yield "log", _told(chance)
            case "change":
                changed = chance.sample(_CHANGING, chance.randint(1, 2))
                yield "change", (chance.randrange(50), _told(chance), changed)
            case "merge":
                yield "merge", (chance.randrange(CONTACTS), chance.randrange(CONTACTS))
            case "unmerge":
                yield "unmerge", chance.randrange(CONTACTS)


_CHANGING = (
    "contact",
    "occurred_at",
    "type",
    "channel",
    "direction",
    "author_id",
    "outcome",
    "due_at",
    "conversation_id",
)


def _told(chance: Random) -> dict[str, Any]:
    return {
        "contact": chance.choice([None, *list(range(CONTACTS)) * 4]),
        "occurred_at": chance.choice([None, *[_time(chance)] * 9]),
        "type": chance.choice([Type.CALL, *[Type.EMAIL] * 5, Type.WEB_VISIT, None]),
        "channel": chance.choice([Channel.PHONE, Channel.EMAIL]),
        "direction": chance.choice([*[Direction.INBOUND, Direction.OUTBOUND] * 3, Direction.INTERNAL]),
        "author_id": chance.choice(AUTHORS),
        "outcome": chance.choice([None, "reached", "no answer"]),
        "due_at": chance.choice([None, _time(chance)]),
        "conversation_id": chance.choice([None, None, *THREADS]),
    }


def _time(chance: Random) -> datetime:
    hours = chance.randrange(60)
    return BEGIN + timedelta(hours=hours, seconds=hours % 3)


class Talks:
    """A tenant whose log is written step by step, and what its interactions are by that."""

    def __init__(self, database: Database) -> None:
        self.tenant = uuid4()
        self.store = PostgresEventStore(database.appends, database.service, SECRET)
        self.contacts = [uuid4() for _ in range(CONTACTS)]
        self.into: dict[UUID, UUID] = {}
        self.told: dict[UUID, dict[str, Any]] = {}
        self._versions: dict[UUID, int] = {}

    async def begin(self) -> None:
        """Register the contacts."""
        for contact_id in self.contacts:
            await self._happened(contact_id, registered("Ada"))

    async def take(self, step: Step) -> None:
        """Append what a step says, as far as it can be."""
        kind, what = step
        match kind:
            case "log":
                await self.log(**what)
            case "change" if self.told:
                number, values, names = what
                await self.change(sorted(self.told)[number % len(self.told)], {name: values[name] for name in names})
            case "merge":
                await self._merge(*(self.contacts[number] for number in what))
            case "unmerge" if self.contacts[what] in self.into:
                into = self.into.pop(self.contacts[what])
                await self._happened(self.contacts[what], ContactUnmerged(into=into))

    async def log(self, *, contact: int | None = 0, **values: Any) -> UUID:
        """An interaction more."""
        interaction_id = uuid4()
        known = {"contact_id": None if contact is None else self.contacts[contact], **values}
        position = await self._happened(interaction_id, InteractionLogged(**known))
        (item,) = await self.store.read(self.tenant, after=position - 1, limit=1)
        self.told[interaction_id] = {"recorded_at": item.recorded_at, "outcome": None, "due_at": None} | known
        return interaction_id

    async def change(self, interaction_id: UUID, values: dict[str, Any]) -> None:
        """Other values of one."""
        known = dict(values)
        if "contact" in known:
            number = known.pop("contact")
            known["contact_id"] = None if number is None else self.contacts[number]
        self.told[interaction_id] |= known
        await self._happened(interaction_id, InteractionChanged(**known))

    async def _merge(self, gone: UUID, into: UUID) -> None:
        if gone not in self.into and self.end(into) != gone and into not in self.into:
            self.into[gone] = into
            await self._happened(gone, ContactMerged(into=into))

    def end(self, contact_id: UUID) -> UUID:
        """The contact that one is by now."""
        while contact_id in self.into:
            contact_id = self.into[contact_id]
        return contact_id

    async def _happened(self, stream: UUID, *events: Event) -> int:
        before = self._versions.get(stream, 0)
        self._versions[stream] = before + len(events)
        made = append(self.tenant, StreamEvents(stream, before, events))
        return (await self.store.append(made)).position

    def folded(self) -> Sequence["Told"]:
        """The interactions by the log alone."""
        return [Told(interaction_id, self, values) for interaction_id, values in self.told.items()]


class Told:
    """An interaction as it counts."""

    def __init__(self, interaction_id: UUID, talks: Talks, values: dict[str, Any]) -> None:
        self.id = interaction_id
        self.at: datetime = values["occurred_at"] or values["recorded_at"]
        self.author_id: UUID | None = values["author_id"]
        self.contact_id = talks.end(values["contact_id"]) if values["contact_id"] else None
        self.channel, self.type, self.outcome = values["channel"], values["type"], values["outcome"]
        self.due_at: datetime | None = values["due_at"]
        self.thread: UUID | None = values.get("conversation_id")
        known = values["occurred_at"] and self.contact_id and self.type in {Type.CALL, Type.EMAIL}
        self.turn = values["direction"] if known else Direction.INTERNAL
