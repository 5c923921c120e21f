"""What projections that fold streams share."""

import psycopg
import pytest

from projections.folding import text_array
from tests.conftest import Database


@pytest.mark.servers
@pytest.mark.parametrize(
    "words",
    [
        (),
        ("",),
        ("plain", "two words"),
        ('a "quoted" one', "back\\slash", '\\"'),
        ("{a,b}", "NULL", " ", "a\nb\tc", "é"),
    ],
)
def test_any_words_are_read_by_postgres_as_they_are(database: Database, words: tuple[str, ...]) -> None:
    with psycopg.connect(database.admin_dsn) as connection:
        assert connection.execute("SELECT %s::text[]", (text_array(words),)).fetchone() == (list(words),)
