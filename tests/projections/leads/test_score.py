"""R5.6, invariant 3: a score is what the rules say of the log, in whatever order things happened."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import lead as domain
from domain.contact import Lifecycle
from domain.event import evolved
from domain.interaction import Direction, InteractionChanged, Type
from domain.lead import EVENTS, Lead
from domain.scoring import FieldCondition, InteractionCondition, Operator, Rule
from projections.leads import score as lead_score
from projections.leads import scoring_pass, scoring_rules
from projections.leads.score_keeping import ScoreKeeper
from projections.leads.scoring import MOST_EACH
from tests.conftest import Database
from tests.given import some_id
from tests.projections.leads.score_steps import CONTACTS, steps
from tests.projections.leads.scores import ALL, Scores
from tests.projections.pipeline.pipelines import Step
from tests.projections.reading import catch_up, contents
from tests.projections.workshop import Workshop

pytestmark = pytest.mark.servers

TODAY = datetime.now(UTC)
ADA = CONTACTS[0]


def rule(
    when: FieldCondition | InteractionCondition, points: int = 10, *, number: int = 0, days: int | None = None
) -> Rule:
    return Rule(id=some_id(70 + number), label=f"Rule {number}", when=when, points=points, decay_days=days)


MAILS = InteractionCondition(Type.EMAIL)
FROM_WEB = FieldCondition("source", Operator.EQ, "web")


def rows(database: Database, tenant: UUID) -> dict[UUID, dict[str, Any]]:
    return {UUID(row["id"]): row for row in contents(database, tenant, ALL)["lead_score_v1"]}


def in_force(database: Database, tenant: UUID) -> dict[str, Any]:
    row: dict[str, Any]
    (row,) = contents(database, tenant, ALL)["scoring_pass_v1"]
    return row


async def expected(scores: Scores, day: date) -> dict[UUID, int]:
    """What the leads that are there are worth, by the log alone."""
    histories: dict[UUID, list[Lead]] = {}
    for item in await scores.log():
        if isinstance(item.event, EVENTS):
            known = histories.setdefault(item.stream_id, [])
            before = known[-1] if known else None
            known.append(evolved(domain.evolve, before, item.event, item.stream_id, item.recorded_at, item.occurred_at))
    contacts = await scores.people()
    return {
        lead_id: scores.worth(lead_id, states, contacts, day)
        for lead_id, states in histories.items()
        if states[-1].deleted_at is None
    }


async def check(database: Database, scores: Scores) -> None:
    if not scores.rules and not contents(database, scores.tenant, ALL)["scoring_pass_v1"]:
        assert rows(database, scores.tenant) == {}
        return
    found, day = rows(database, scores.tenant), date.fromisoformat(in_force(database, scores.tenant)["day"])
    wanted = await expected(scores, day)
    assert {lead_id: row["score"] for lead_id, row in found.items() if row["score"]} == {
        lead_id: score for lead_id, score in wanted.items() if score
    }
    assert found.keys() <= wanted.keys()


def keeper(database: Database, *, days: int = 0) -> ScoreKeeper:
    return ScoreKeeper(database.projector, lambda: TODAY + timedelta(days=days))


@given(st.lists(steps, min_size=4, max_size=24), st.data())
@settings(max_examples=20)
async def test_every_score_is_what_the_rules_say_of_the_log(
    database: Database, sequence: Sequence[Step], data: st.DataObject
) -> None:
    scores, early = Scores(database), data.draw(st.integers(0, len(sequence)))
    for number, step in enumerate(sequence):
        if number == early:
            await catch_up(database, scores.tenant, ALL)
        await scores.take(step)
    await catch_up(database, scores.tenant, ALL)
    await check(database, scores)
    later = keeper(database, days=data.draw(st.integers(1, 40)))
    while await later.step(scores.tenant):
        pass
    await check(database, scores)


async def test_a_pass_goes_on_in_portions_and_what_comes_meanwhile_is_scored_by_what_is_in_force(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring_pass, "PORTION", 2)
    database = workshop.database
    scores = Scores(database)
    for _ in range(7):
        await scores.take(("add", {"source": "web", "contact_id": ADA}, timedelta(0)))
    await scores.set_rules(rule(FROM_WEB))
    await workshop.level(scores.tenant)
    found = rows(database, scores.tenant)
    assert sorted(found) == sorted(scores.leads)[:2]
    await scores.talk(ADA, 99, Type.EMAIL, Direction.INBOUND, 0)
    await scores.set_rules(rule(FROM_WEB, 20), rule(MAILS, 5, number=1))
    await workshop.level(scores.tenant)
    assert in_force(database, scores.tenant)["next_rules"] == 1
    assert await differences(workshop, scores.tenant) == []
    assert await keeper(database).turn() == 2
    assert [row["score"] for row in rows(database, scores.tenant).values()] == [10] * 7
    # The rules that were set meanwhile have their turn next.
    assert await keeper(database).turn() == 4
    assert [row["score"] for row in rows(database, scores.tenant).values()] == [25] * 7
    assert await keeper(database).step(scores.tenant) is False
    assert await differences(workshop, scores.tenant) == []


async def differences(workshop: Workshop, tenant: UUID) -> list[str]:
    verified = await workshop.verify(tenant, [scoring_rules.PROJECTION, lead_score.PROJECTION])
    assert all(each.position for each in verified)
    return [each.table for one in verified for each in one.differences]


async def test_scores_are_those_of_a_rebuild_and_a_wrong_one_shows(workshop: Workshop) -> None:
    scores = Scores(workshop.database)
    await scores.take(("add", {"source": "web", "contact_id": ADA}, timedelta(0)))
    await scores.set_rules(rule(FROM_WEB, 3), rule(MAILS, 5, number=1, days=30))
    await scores.talk(ADA, 99, Type.EMAIL, Direction.INBOUND, 6)
    await workshop.level(scores.tenant)
    (row,) = rows(workshop.database, scores.tenant).values()
    assert (row["score"], row["decays"], len(row["parts"])) == (3 + 4, True, 2)
    before = contents(workshop.database, scores.tenant, [lead_score.PROJECTION])
    rebuilt = await workshop.rebuild(lead_score.PROJECTION)
    assert [each for each in rebuilt.compared if not each.is_equal] == []
    assert contents(workshop.database, scores.tenant, [lead_score.PROJECTION]) == before
    async with workshop.database.projector.of(scores.tenant) as connection:
        await connection.execute("UPDATE lead_score_v1 SET score = score + 1")
    assert await differences(workshop, scores.tenant) == ["lead_score_v1"]


async def test_points_of_a_contacts_interactions_go_where_the_contact_goes(database: Database) -> None:
    scores = Scores(database)
    await scores.set_rules(rule(MAILS, 5))
    for contact in CONTACTS[:2]:
        await scores.take(("add", {"contact_id": contact}, timedelta(0)))
    mail = await scores.talk(CONTACTS[0], 99, Type.EMAIL, Direction.INBOUND, 0)

    async def now() -> list[int]:
        await catch_up(database, scores.tenant, ALL)
        found = rows(database, scores.tenant)
        return [found[lead_id]["score"] if lead_id in found else 0 for lead_id in scores.leads]

    assert await now() == [5, 0]
    await scores.take(("merge", (0, 1), timedelta(0)))
    assert await now() == [5, 5]
    await scores.take(("unmerge", 0, timedelta(0)))
    assert await now() == [5, 0]
    await scores.told(mail, InteractionChanged(contact_id=CONTACTS[1]))
    assert await now() == [0, 5]


async def test_what_a_contact_is_counts_for_its_leads_also_for_those_of_contacts_merged_into_it(
    database: Database,
) -> None:
    scores = Scores(database)
    await scores.set_rules(rule(FieldCondition("contact.lifecycle", Operator.EQ, "customer"), 5))
    for contact in (*CONTACTS[:2], None):
        await scores.take(("add", {"contact_id": contact}, timedelta(0)))

    async def now() -> list[int]:
        await catch_up(database, scores.tenant, ALL)
        found = rows(database, scores.tenant)
        return [found[lead_id]["score"] if lead_id in found else 0 for lead_id in scores.leads]

    assert await now() == [0, 0, 0]
    await scores.take(("person", (1, Lifecycle.CUSTOMER), timedelta(0)))
    assert await now() == [0, 5, 0]
    await scores.take(("merge", (0, 1), timedelta(0)))
    assert await now() == [5, 5, 0]
    await scores.take(("unmerge", 0, timedelta(0)))
    assert await now() == [0, 5, 0]
    await scores.take(("person", (1, None), timedelta(0)))
    assert await now() == [0, 0, 0]


async def test_of_many_interactions_of_a_kind_the_newest_count(database: Database) -> None:
    scores = Scores(database)
    await scores.take(("add", {"contact_id": ADA}, timedelta(0)))
    await scores.set_rules(rule(MAILS, 1), rule(InteractionCondition(Type.EMAIL, Direction.INBOUND), 1, number=1))
    for number in range(MOST_EACH + 3):
        await scores.talk(ADA, 99, Type.EMAIL, Direction.INBOUND if number % 2 else Direction.OUTBOUND, number)
    await catch_up(database, scores.tenant, ALL)
    (row,) = rows(database, scores.tenant).values()
    assert row["score"] == MOST_EACH + (MOST_EACH + 3) // 2


async def test_a_tenant_without_rules_has_no_rows(database: Database) -> None:
    scores = Scores(database)
    await scores.take(("add", {"source": "web", "contact_id": ADA}, timedelta(0)))
    await scores.talk(ADA, 0, Type.EMAIL, Direction.INBOUND, 0)
    await catch_up(database, scores.tenant, ALL)
    assert {len(contents(database, scores.tenant, ALL)[name]) for name in lead_score.PROJECTION.tables} == {0}
    await scores.set_rules(rule(FROM_WEB))
    await scores.set_rules()
    await catch_up(database, scores.tenant, ALL)
    assert rows(database, scores.tenant) == {}
