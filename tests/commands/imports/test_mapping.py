"""R3.5: columns are known by headers in many languages and by values; cells in the forms that people write."""

from collections.abc import Callable

import pytest

from commands.imports.mapping import guessed, headers, is_header
from commands.imports.rows import columns, wish
from commands.imports.values import UnreadableError, read_boolean, read_date, read_number

NAMES = ["given", "family", "email", "phone", "company"]


@pytest.mark.parametrize(
    "header",
    [
        ["First Name", "Last Name", "E-mail Address", "Phone Number", "Company"],
        ["Vorname", "Nachname", "E-Mail", "Telefon", "Firma"],
        ["Prénom", "Nom", "Courriel", "Téléphone", "Société"],
        ["Nombre", "Apellidos", "Correo electrónico", "Teléfono", "Empresa"],
        ["Nome", "Cognome", "Posta elettronica", "Telefono", "Azienda"],
        ["Nome", "Sobrenome", "E-mail", "Telefone", "Empresa"],
        ["Voornaam", "Achternaam", "E-mailadres", "Telefoonnummer", "Bedrijf"],
        ["Imię", "Nazwisko", "Adres e-mail", "Numer telefonu", "Nazwa firmy"],
        ["Förnamn", "Efternamn", "E-post", "Telefonnummer", "Företag"],
        ["Имя", "Фамилия", "Электронная почта", "Телефон", "Компания"],
        ["名", "姓", "电子邮件", "电话", "公司"],
        ["名", "姓", "メールアドレス", "電話番号", "会社名"],
        ["ADI", "SOYADI", "E-POSTA", "TELEFON", "ŞİRKET"],
    ],
)
def test_headers_are_known_in_many_languages(header: list[str]) -> None:
    assert list(guessed(header, [], {}).values()) == NAMES


def test_no_header_means_two_fields() -> None:
    assert len(headers()) > 500


@pytest.mark.parametrize(
    ("header", "sample", "found"),
    [
        (["Nom", "Courriel"], [], ["name", "email"]),
        (["Vorname", "Name"], [], ["given", "family"]),
        (["Kontakt", "x"], [["Ada", "ada@x.example"], ["Bob", "bob@x.example"]], ["name", "email"]),
        (["a", "b"], [["+49 30 901820", "12"]], ["phone", None]),
        (["Phone 1 - Value", "Phone 2 - Value", "Notes"], [], ["phone", "phone", None]),
        (["Umsatz", "lieblingsfarbe"], [], ["custom.revenue", "custom.colour"]),
        (
            ["id", "created_at", "external_ids.erp", "custom.colour"],
            [],
            ["id", None, "external_ids.erp", "custom.colour"],
        ),
    ],
)
def test_what_else_is_there_decides(header: list[str], sample: list[list[str]], found: list[str | None]) -> None:
    customs = {"revenue": "Umsatz", "colour": "Lieblingsfarbe"}
    assert list(guessed(header, sample, customs).values()) == found


def test_a_row_of_values_is_no_header() -> None:
    assert not is_header(["ada@x.example", "Ada"])
    assert not is_header(["Ada", "12", "+49 30"])
    assert is_header(["Name", "2024"])


@pytest.mark.parametrize(
    ("text", "order", "date"),
    [
        ("2024-03-04", None, "2024-03-04"),
        ("2024-03-04T10:00:00Z", None, "2024-03-04"),
        ("20240304", None, "2024-03-04"),
        ("04.03.2024", None, "2024-03-04"),
        ("4/3/24", "day", "2024-03-04"),
        ("3/4/24", "month", "2024-03-04"),
        ("13/4/1999", None, "1999-04-13"),
        ("4/13/99", None, "1999-04-13"),
        ("12. März 2024", None, "2024-03-12"),
        ("March 12, 2024", None, "2024-03-12"),
        ("2024年3月4日", None, "2024-03-04"),
    ],
)
def test_dates_are_read_as_people_write_them(text: str, order: str | None, date: str) -> None:
    assert read_date(text, order) == date


@pytest.mark.parametrize(
    ("text", "code"),
    [("3/4/2024", "import.date_ambiguous"), ("31/02/2024", "import.date_invalid"), ("soon", "import.date_invalid")],
)
def test_a_date_that_is_none_or_may_be_two_is_told(text: str, code: str) -> None:
    with pytest.raises(UnreadableError) as unreadable:
        read_date(text)
    assert unreadable.value.error.code == code


@pytest.mark.parametrize(
    ("columns", "title"),
    [
        (["Title", "First Name", "Job Title"], "Job Title"),
        (["Job Title", "Title"], "Job Title"),
        (["Title", "First Name"], "Title"),
        (["First Name", "Organization Title"], "Organization Title"),
    ],
)
def test_a_job_title_is_the_title_where_there_is_one_beside_mr_and_dr(columns: list[str], title: str) -> None:
    found = guessed(columns, [], {})
    assert [column for column, target in found.items() if target == "title"] == [title]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *[("1234", 1234), ("1,234.56", 1234.56), ("1.234,56", 1234.56), ("1 234,56", 1234.56), ("12,5", 12.5)],
        *[("1.234.567", 1234567), ("€ 1.234,50", 1234.5), ("(5)", -5), ("-0.5", -0.5), ("1'234.5", 1234.5)],
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, number: float) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize(
    ("read", "text", "told"),
    [(read_number, "5%", "5 or 0.05"), (read_number, "-2,5 %", "5 or 0.05"), (read_date, "45123", "spreadsheets")],
)
def test_what_may_be_another_number_or_day_than_it_says_is_told_with_what_to_write(
    read: Callable[[str], object], text: str, told: str
) -> None:
    with pytest.raises(UnreadableError, match=told):
        read(text)


def test_yes_and_no_are_words_in_many_languages() -> None:
    assert [read_boolean(word) for word in ("Ja", "non", "SI", "нет", "1", "0")] == [
        True,
        False,
        True,
        False,
        True,
        False,
    ]
    with pytest.raises(UnreadableError):
        read_boolean("maybe")


def test_a_cell_of_an_export_is_read_back() -> None:
    of = columns(
        ["email", "phone", "tags"],
        {each: each for each in ("email", "phone", "tags")},
        orders={},
        types={},
        country="DE",
    )
    made = wish(2, ["a@x.example; home: b@x.example", "'+442079460018; mobile: 030 901820", "vip; a\\, b"], of)
    assert [(each.value, each.kind, each.primary) for each in made.members["emails"]] == [
        ("a@x.example", "work", True),
        ("b@x.example", "home", False),
    ]
    assert [(each.value, each.kind) for each in made.members["phones"]] == [
        ("+442079460018", "work"),
        ("+4930901820", "mobile"),
    ]
    assert made.members["tags"] == ["vip", "a, b"]
