"""Two tenants with rows in every table that there is."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
from eventsourcing.persistence import StoredEvent, Tracking

from commands.identity.sessions import NewSession
from commands.ports import Snapshot, StreamEvents
from domain.company import CompanyRegistered
from domain.contact import ContactMerged
from domain.customer import CustomerRegistered
from domain.imports import ImportReceived, Policy
from domain.interaction import Direction, InteractionChanged, InteractionLogged, Type
from domain.lead import LeadAssigned, LeadNurtured, LeadQualified, LeadRegistered
from domain.lead_score import LeadScoreContributed
from domain.matching import DuplicatesDismissed, MatchingRulesSet
from domain.note import NoteAdded
from domain.notification import NotificationRead
from domain.relationship import RelationshipSet
from domain.scoring import FieldCondition, Operator, Rule, ScoringRulesSet
from domain.tenant import PLATFORM
from domain.user import UserRegistered
from infra.access.key_uses import PostgresKeyUses
from infra.access.sessions import PostgresSessions
from infra.event_store.library.datastore import RapportDatastore
from infra.event_store.library.recorders import RapportSnapshotRecorder, RapportTrackingRecorder
from infra.event_store.snapshots import PostgresSnapshots
from infra.event_store.store import PostgresEventStore
from infra.inactivity import PostgresSweepTurns
from infra.keys.destruction import KeyDestroyer
from infra.postgres import AUDITOR, RECORDER, Connection
from projections import poison
from projections.poison import Poison
from tests.conftest import SECRET, Database
from tests.given import START, changed, emails, registered
from tests.infra.event_store.appends import append, claim, key, one
from tests.projections.reading import catch_up

_LED = LeadRegistered(title="Engine"), LeadQualified(), LeadNurtured(), LeadQualified()
_QUALIFIED = Rule(id=uuid4(), label="Qualified", when=FieldCondition("status", Operator.EQ, "qualified"), points=5)


def _answered(contact_id: UUID) -> list[InteractionLogged]:
    """A mail, and the answer to it."""
    return [
        InteractionLogged(
            contact_id=contact_id, subject="Engines", type=Type.EMAIL, direction=direction, occurred_at=at
        )
        for direction, at in ((Direction.INBOUND, START), (Direction.OUTBOUND, START + timedelta(hours=1)))
    ]


async def two_tenants(database: Database) -> tuple[UUID, UUID]:
    """Two tenants with rows in every table that there is."""
    store, made = PostgresEventStore(database.appends, database.service, SECRET), (uuid4(), uuid4())
    for tenant, name in zip(made, ("Ada Lovelace", "Grace Hopper"), strict=True):
        for number in range(3):
            ada = uuid4()
            told = (registered(name, emails=emails("ada@x.example")), changed(title="Engineer"))
            email = claim(PLATFORM, f"{ada}@x.example", ada, "user.email")
            claims = [claim(tenant, str(number), ada), email]
            await store.append(append(tenant, StreamEvents(ada, 0, told), claims=claims, key=key(f"k{number}")))
        user = UserRegistered(name="Grace", email="g@x.example", password_hash="-", roles=("admin",))
        await store.append(one(tenant, user))
        await store.append(one(tenant, CompanyRegistered(name="Engines")))
        await store.append(one(tenant, registered(name), ContactMerged(into=ada)))
        deal = uuid4()
        await store.append(one(tenant, CustomerRegistered(lead_id=deal)))
        await store.append(append(tenant, StreamEvents(deal, 0, _LED)))
        await store.append(one(tenant, ScoringRulesSet(rules=(_QUALIFIED,))))
        said = LeadScoreContributed(subject_id=deal, name="model", value=1, confidence=1, explanation="Engines")
        await store.append(one(tenant, said))
        await store.append(append(tenant, StreamEvents(deal, 4, (LeadAssigned(owner_id=ada),))))
        await store.append(one(tenant, NotificationRead(user_id=ada)))
        about = RelationshipSet(contact_id=ada, other_id=deal, kind="colleague", reverse_kind="colleague")
        await store.append(one(tenant, about))
        await store.append(one(tenant, NoteAdded(subject_id=ada, contact_id=ada, html="<p>Engines</p>")))
        for mail in _answered(ada):
            await store.append(one(tenant, mail, InteractionChanged(outcome="answered")))
        rules = MatchingRulesSet(keys=("name",), suggest_at=0.5, merge_at=0.9, auto_merge=False)
        await store.append(one(tenant, rules))
        await store.append(one(tenant, DuplicatesDismissed(contact_ids=(ada, deal))))
        received = ImportReceived(
            mapping={}, policy=Policy.SKIP, encoding="utf-8", delimiter=",", rows=1, portions=1, ready=True,
            file_name="a.csv", columns=("Name",), dates={}, country=None, owner_id=uuid4(),
        )  # fmt: skip
        await store.append(one(tenant, received))
        await _beside(database, tenant, deal, ada)
        session = NewSession(id=uuid4(), user_id=uuid4(), epoch=0, client=None, address=None)
        await PostgresSessions(database.service, 60).start(tenant, session)
        await PostgresKeyUses(database.service).note(tenant, uuid4())
        await catch_up(database, tenant)
        async with database.projector.of(tenant) as connection:
            await _seldom(connection, tenant, ada)
        await KeyDestroyer(database.appends, database.keyring).destroy(tenant, uuid4())
        snapshots = PostgresSnapshots(database.service, database.appends, database.keyring)
        await snapshots.load(tenant, ada, "fold")
        snapshots.keep(tenant, ada, "fold", Snapshot(2, 2, b"state"))
        await snapshots.flush()
        with psycopg.connect(database.dsns[AUDITOR]) as connection:
            connection.execute("SELECT set_config('app.tenant', %s, true)", (str(tenant),))
            connection.execute("SELECT store.keep_checkpoints('{1}', '{2}', '{signed}')")
        with RapportDatastore(database.dsns[RECORDER], tenant) as datastore:
            RapportTrackingRecorder(datastore).insert_tracking(Tracking("app", 1))
            RapportSnapshotRecorder(datastore).insert_events([StoredEvent(ada, 1, "topic", b"state")])
    await PostgresSweepTurns(database.appends, uuid4(), timedelta(0)).take(datetime.now(UTC), 1)
    return made


async def _beside(database: Database, tenant: UUID, deal: UUID, ada: UUID) -> None:
    """What is kept beside the log, of imports and of sweeps."""
    async with database.service.of(tenant) as connection:
        await connection.execute("SELECT store.keep_import_part(%s, 'rows', 0, 'sealed')", (deal,))
        await connection.execute("SELECT store.queue_import(%s)", (deal,))
        mail = {"user_id": str(ada), "digest": True, "due_at": "2200-01-01T00:00:00Z", "ids": [str(deal)]}
        await connection.execute("SELECT store.keep_mails(0, 1, %s::jsonb)", (json.dumps([mail]),))
        await connection.execute("SELECT store.note_active(%s, '{2026-01-01}', '-infinity')", ([deal],))


async def _seldom(connection: Connection, tenant: UUID, ada: UUID) -> None:
    """Rows that projections write in trouble, of rebuilds, or of very many records."""
    await poison.park(connection, tenant, "walls_v1", [Poison(ada, 1, "for the sake of a row")])
    made_with = "INSERT INTO read.match_model_v1 (tenant_id, version, rules, keys, least, contacts)"
    await connection.execute(f"{made_with} VALUES (%s, 1, 1, '{{name}}', 0, 3)", (tenant,))
    await connection.execute("INSERT INTO read.filling VALUES (%s, 'walls_v1/next', 1, %s)", (tenant, ada))
    await connection.execute(
        "INSERT INTO read.timeline_word_v1 VALUES (%s, %s, 0, %s, 'engine')", (tenant, ada, uuid4())
    )
