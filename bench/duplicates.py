"""duplicates.*: how many true pairs are found, how many of those found are true, and how long it takes.

    python -m bench.duplicates FILE.csv LINKS.csv     records with their true pairs, over HTTP from end to end
    python -m bench.duplicates --full                 besides, the model alone on 100,000 made-up records

FILE.csv has record, name, email, phone and other columns, which become custom fields and match keys; LINKS.csv has a
and b. Neither is part of the project. Without them only the model is measured, on made-up records.
"""

import csv
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

from msgspec import Struct

from bench.installation import call, installation, sign_up
from bench.report import Figure, show
from projections.matching import blocking, estimate, weights, within
from projections.matching.person import Person, person

SUGGEST_AT, MERGE_AT = 0.5, 0.96
SIDE_BY_SIDE = 4
MOST_SECONDS = 300.0
_PLAIN = ("record", "name", "email", "phone")
_SYLLABLES = "ba be di do ka ko la le li lo ma mi mo na ne ni no ra re ri ro sa so ta te to va vi wa zo".split()  # noqa: SIM905

Pairs = set[tuple[str, str]]


class Found(Struct, frozen=True):
    """Pairs as they were listed, and those of them that are sure."""

    suggested: Pairs
    sure: Pairs
    seconds: float


def quality(found: Found, true: Pairs, records: int) -> list[Figure]:
    """The figures, each beside what is asked for."""

    def of(name: str, value: float, wanted: float) -> Figure:
        return Figure(f"duplicates.{name}", value, wanted, value / wanted, "share")

    suggested, sure = found.suggested, found.sure
    return [
        of("suggest_recall", len(suggested & true) / len(true), 0.95),
        of("suggest_precision", len(suggested & true) / max(1, len(suggested)), 0.90),
        of("merge_recall", len(sure & true) / len(true), 0.75),
        of("merge_precision", len(sure & true) / max(1, len(sure)), 0.995),
        Figure("duplicates.seconds_5000", found.seconds / records * 5000, 30, 30 * records / 5000 / found.seconds, "s"),
    ]


def listed(file: Path) -> Found:
    """Put a file's records in, have them compared by all their fields, and list what is found."""
    rows = list(csv.DictReader(file.open(encoding="utf-8")))
    custom = [name for name in rows[0] if name not in _PLAIN]
    with installation("--search", "postgres") as ready:
        url, token = ready["url"], {"Authorization": f"Bearer {sign_up(ready['url'])}"}
        for key in custom:
            call(url, "PUT", f"/v1/custom-fields/contact/{key}", {"label": key, "type": "text"}, token)
        with ThreadPoolExecutor(SIDE_BY_SIDE) as clients:
            made = clients.map(lambda row: call(url, "POST", "/v1/contacts", _body(row, custom), token)["id"], rows)
            records = dict(zip(made, (row["record"] for row in rows), strict=True))
        keys = ["name", "email", "phone", *(f"custom.{key}" for key in custom)]
        started = time.perf_counter()
        call(url, "PUT", "/v1/matching-rules", {"keys": keys}, token)
        while not call(url, "GET", "/v1/matching-rules", None, token)["scored"]:
            if time.perf_counter() - started > MOST_SECONDS:
                raise TimeoutError
            time.sleep(0.1)
        seconds = time.perf_counter() - started
        pairs = [
            (pair["decision"], *sorted(records[each] for each in pair["contact_ids"])) for pair in _pages(url, token)
        ]
    suggested, sure = ({(a, b) for decision, a, b in pairs if decision in which} for which in (_ANY, {"merge"}))
    return Found(suggested, sure, seconds)


_ANY = {"suggest", "merge"}


def _body(row: dict[str, str], custom: Sequence[str]) -> dict[str, Any]:
    body: dict[str, Any] = {name: row[name] for name in _PLAIN[1:] if row.get(name)}
    return body | {"custom": {key: row[key] for key in custom if row[key]}}


def _pages(url: str, token: dict[str, str]) -> Iterator[dict[str, Any]]:
    cursor = ""
    while True:
        page = call(url, "GET", f"/v1/contacts/duplicates?limit=200{cursor}", None, token)
        yield from page["data"]
        if page["next_cursor"] is None:
            return
        cursor = f"&cursor={page['next_cursor']}"


def model_alone(records: int) -> list[Figure]:
    """Keys, learning and scores of made-up records in memory: what it costs without a database."""
    random = Random(1)
    keys = ("name", "email", "phone", "custom.born")
    people = [_made_up(random) for _ in range(records * 4 // 5)]
    people += [_again(random, person_) for person_ in random.sample(people, records - len(people))]
    started = time.process_time()
    blocks = [blocking.keys(each, b"bench") for each in people]
    candidates = [(people[a], people[b]) for a, b in within.candidates(blocks)]
    some = candidates[:: max(1, len(candidates) // 60_000)]
    known = people[:: max(1, records // 20_000)]
    share = len(some) / max(1, len(candidates))
    model = estimate.estimate(keys, known, some, contacts=records, share=share)
    probable = sum(weights.probability(model, weights.compare(model, *pair)) >= SUGGEST_AT for pair in candidates)
    seconds = time.process_time() - started
    note = f"{len(candidates)} pairs compared, {probable} suggested, {records - records * 4 // 5} made"
    rate, wanted = records / seconds, 1_000_000 / 3600
    return [Figure(f"duplicates.model_{records}", rate, wanted, rate / wanted, "records/s of CPU", note)]


def _made_up(random: Random) -> Person:
    given, family = ("".join(random.choices(_SYLLABLES, k=3)) for _ in range(2))
    phone = f"+49{random.randrange(10**10):010}"
    born = f"{random.randint(1940, 2005)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"
    keys = ("name", "email", "phone", "custom.born")
    email = f"{given}.{family}@example.org"
    return person(keys, given=given, family=family, emails=[email], phones=[phone], custom={"born": born})


def _again(random: Random, before: Person) -> Person:
    (given,), (family,) = before.values["given"], before.values["family"]
    at = random.randrange(1, len(family) - 1)
    values = before.values | {"given": (given,), "family": (family[:at] + family[at + 1 :],)}
    values.pop(random.choice(["email", "phone", "custom.born"]))
    return Person(values)


def main(arguments: Sequence[str] = ()) -> None:
    """Measure what there is data for."""
    files = [Path(each) for each in arguments if each.endswith(".csv")]
    if files:
        links = csv.DictReader(files[1].open(encoding="utf-8"))
        true: Pairs = {(min(row["a"], row["b"]), max(row["a"], row["b"])) for row in links}
        records = sum(1 for _ in files[0].open(encoding="utf-8")) - 1
        show(quality(listed(files[0]), true, records))
    show(model_alone(5000))
    if "--full" in arguments:
        show(model_alone(100_000))


if __name__ == "__main__":
    main(sys.argv[1:])
