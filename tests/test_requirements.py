"""docs/requirements.md says which tests show which requirement."""

from tests.requirements import ROOT, TITLES, document, files_by_id


def test_the_document_is_what_the_tests_say() -> None:
    assert (ROOT / "docs" / "requirements.md").read_text() == document(), "run python -m tests.requirements"


def test_no_test_names_a_requirement_that_there_is_not() -> None:
    assert set(files_by_id()) <= set(TITLES)
