"""R4.5, B2: charts are documents in which nothing runs, whatever words are in them."""

import sys
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.http.charts import MOST_COLORS, Bars, chart, drawn
from api.http.reports.charts import Figure, remainder, report_bars
from projections.pipeline.figures import Seconds
from projections.reports.figures import GroupBy, NextActions, ReportRow

EVIL = "</title><script>alert(1)</script><a xlink:href='https://evil.example' onload=alert(1)>"


def words(document: bytes) -> str:
    return "".join(root(document).itertext())


def root(document: bytes) -> ET.Element:
    return ET.fromstring(document)  # noqa: S314  what this very application has written


def row(key: str, count: int, **figures: int) -> ReportRow:
    return ReportRow(
        key=key,
        label=key,
        count=count,
        by_type=figures,
        by_outcome=figures,
        response_seconds=Seconds(3600.0, 5400.0),
        next_actions=NextActions(count, 1),
    )


@given(st.lists(st.text(), max_size=3), st.booleans(), st.booleans())
@settings(max_examples=20)
def test_any_words_make_a_sound_document_without_anything_that_runs(
    labels: list[str], stacked: bool, upright: bool
) -> None:
    every = [*labels, EVIL]
    bars = Bars(
        title=EVIL, description=EVIL, labels=every, series={EVIL: [1.0] * len(every)}, stacked=stacked, upright=upright
    )
    found = drawn(bars)
    assert found == drawn(bars)
    for element in root(found).iter():
        assert element.tag.rpartition("}")[2] not in {"script", "a", "image", "foreignObject", "use"}
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert "href" not in name
            assert "://" not in value
    assert EVIL in words(found)


def test_it_says_in_words_what_it_shows() -> None:
    bars = report_bars([row("Ada", 3, call=3), row("Bob", 1)], None, GroupBy.OWNER, Figure.COUNT, with_types=True)
    assert bars.series == {"call": [3, 0], "none": [0, 1]}
    found = root(drawn(bars))
    assert found.get("role") == "img"
    described = {found_id: "".join(child.itertext()) for child in found if (found_id := child.get("id"))}
    assert [described[name] for name in (found.get("aria-labelledby") or "").split()] == [
        "Interactions by owner",
        "Interactions by owner. Ada: 3; Bob: 1.",
    ]
    assert "Interactions by owner: nothing to show." in words(
        drawn(report_bars([], None, GroupBy.OWNER, Figure.COUNT, with_types=True))
    )


def test_drawing_leaves_how_modules_are_found_as_it_was() -> None:
    drawn(Bars(title="T", description="D", labels=["a"], series={"a": [1.0]}))
    assert all(hasattr(finder, "find_spec") for finder in sys.meta_path)


def test_what_there_is_no_room_for_is_shown_together() -> None:
    shown = [row("Ada", 5, call=4, email=1)]
    others = remainder(shown, [row("phone", 6, call=6), row("email", 3, email=2)])
    assert others is not None
    assert (others.label, others.count, others.by_type) == ("others", 4, {"call": 2, "email": 1})
    assert remainder(shown, shown) is None
    bars = report_bars(shown, others, GroupBy.CONTACT, Figure.COUNT, with_types=False)
    assert (bars.labels, bars.series) == (["Ada", "others"], {"interactions": [5, 4]})
    many = {f"outcome {number:02}": number for number in range(1, 21)}
    series = report_bars([row("Ada", 210, **many)], None, GroupBy.OWNER, Figure.OUTCOMES, with_types=True).series
    assert (len(series), sum(value[0] or 0 for value in series.values())) == (MOST_COLORS, 210)
    hours = report_bars(shown, others, GroupBy.OWNER, Figure.RESPONSE_SECONDS, with_types=True)
    assert (hours.labels, hours.series) == (["Ada"], {"median": [1.0], "90th percentile": [1.5]})


@pytest.mark.parametrize("number", [1, 400])
async def test_its_headers_forbid_what_a_browser_might_run(number: int) -> None:
    labels = [str(each) for each in range(number)]
    answer = await chart(Bars(title="T", description="D", labels=labels, series={"a": [1.0] * number}, upright=True))
    sent: list[dict[str, object]] = []

    async def send(message: object) -> None:
        sent.append(dict(message))  # type: ignore[call-overload]

    await answer({}, None, send)  # type: ignore[arg-type]
    headers = dict(sent[0]["headers"])  # type: ignore[call-overload]
    assert headers[b"content-type"] == b"image/svg+xml"
    assert headers[b"content-security-policy"] == b"default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert headers[b"x-content-type-options"] == b"nosniff"
