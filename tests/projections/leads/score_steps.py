"""What may happen to leads that are scored, drawn at random: see scores.py."""

from datetime import timedelta

from hypothesis import strategies as st

from domain.contact import Lifecycle
from domain.interaction import Direction, Type
from domain.lead_status import Status
from domain.money import Money
from domain.scoring import FieldCondition, InteractionCondition, Operator, Rule
from tests.given import some_id
from tests.projections.pipeline.pipelines import OWNERS, SOURCES, VALUES

COMPANIES = (some_id(21), some_id(22))
SIZES = (None, 7, 50, "11-50", "1,000+", "many", "gone")
CONTACTS = (some_id(11), some_id(12), some_id(13), None)
TYPES = (Type.EMAIL, Type.CALL, Type.TASK)

hours = st.integers(0, 30).map(lambda count: timedelta(hours=count))
fields = st.fixed_dictionaries(
    {
        "owner_id": st.sampled_from(OWNERS),
        "source": st.sampled_from(SOURCES),
        "value": st.sampled_from(VALUES),
        "contact_id": st.sampled_from(CONTACTS),
        "company_id": st.sampled_from([None, None, *COMPANIES]),
    }
)
talks = st.tuples(
    st.sampled_from(CONTACTS),
    st.integers(0, 5),
    st.sampled_from(TYPES),
    st.sampled_from(Direction),
    st.integers(-2, 40),
)
conditions = st.one_of(
    st.builds(InteractionCondition, st.sampled_from(TYPES), st.sampled_from([None, *Direction])),
    st.builds(
        FieldCondition,
        st.just("status"),
        st.sampled_from([Operator.EQ, Operator.NEQ]),
        st.sampled_from(Status).map(str),
    ),
    st.builds(FieldCondition, st.just("source"), st.just(Operator.IN), st.just(("WEB", "fair"))),
    st.builds(
        FieldCondition,
        st.just("contact.lifecycle"),
        st.sampled_from([Operator.EQ, Operator.NEQ]),
        st.sampled_from(Lifecycle).map(str),
    ),
    st.builds(FieldCondition, st.just("company.industry"), st.just(Operator.CONTAINS_TOKEN), st.just("paper")),
    st.builds(FieldCondition, st.just("company.size"), st.just(Operator.GTE), st.just("11")),
    st.builds(FieldCondition, st.just("owner_id"), st.sampled_from([Operator.HAS, Operator.NOT_HAS])),
    st.builds(FieldCondition, st.just("value"), st.just(Operator.GTE), st.just(Money("5", "EUR"))),
)
decays = st.sampled_from([None, None, 3, 30])
rules = st.lists(st.tuples(conditions, st.sampled_from([-7, 5, 10]), decays), max_size=4).map(
    lambda found: tuple(
        Rule(id=some_id(50 + n), label=f"Rule {n}", when=when, points=points, decay_days=days)
        for n, (when, points, days) in enumerate(found)
    )
)
steps = st.one_of(
    *[st.tuples(st.just("add"), fields, hours)] * 3,
    st.tuples(st.just("move"), st.tuples(st.integers(0, 5), st.integers(0, 3)), hours),
    st.tuples(st.just("change"), st.tuples(st.integers(0, 5), fields), hours),
    st.tuples(st.just("delete"), st.integers(0, 5), hours),
    *[st.tuples(st.just("talk"), talks, hours)] * 4,
    st.tuples(st.just("correct"), st.tuples(st.integers(0, 9), talks), hours),
    st.tuples(st.just("merge"), st.tuples(st.integers(0, 2), st.integers(0, 2)), hours),
    st.tuples(st.just("unmerge"), st.integers(0, 2), hours),
    *[st.tuples(st.just("person"), st.tuples(st.integers(0, 2), st.sampled_from([None, *Lifecycle])), hours)] * 2,
    st.tuples(st.just("employer"), st.tuples(st.integers(0, 2), st.sampled_from([None, *COMPANIES])), hours),
    *[
        st.tuples(
            st.just("company"),
            st.tuples(
                st.sampled_from(COMPANIES), st.sampled_from([None, "Mills", "Paper mills"]), st.sampled_from(SIZES)
            ),
            hours,
        )
    ]
    * 2,
    *[st.tuples(st.just("rules"), rules, hours)] * 2,
)
