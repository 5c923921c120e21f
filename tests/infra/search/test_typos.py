"""Close words are found by equality of what is left of them."""

from hypothesis import given
from hypothesis import strategies as st

from projections.contacts.closeness import closeness, edits, like, near_keys
from projections.contacts.text import asked, fold, phone_word, words

LETTERS = st.text("abcdeiklmnorstuwxyz", min_size=3, max_size=14)
SALT = b"a tenant"


@st.composite
def mistyped(draw: st.DrawFn) -> tuple[str, str]:
    """A word, and the same with one typo."""
    word = draw(LETTERS)
    at = draw(st.integers(0, len(word) - 1))
    letter = draw(st.sampled_from("abcdeiklmnorstuwxyz"))
    typed = draw(
        st.sampled_from(
            [
                word[:at] + word[at + 1 :],
                word[:at] + letter + word[at:],
                word[:at] + letter + word[at + 1 :],
                word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
            ]
        )
    )
    return word, typed


@given(mistyped())
def test_a_word_with_a_typo_shares_a_key_with_the_word(pair: tuple[str, str]) -> None:
    word, typed = pair
    if edits(typed):
        assert set(near_keys(SALT, [word])) & set(near_keys(SALT, [typed]))
        assert closeness(typed, word) > 0


@given(LETTERS, LETTERS)
def test_the_same_word_is_closest(one: str, other: str) -> None:
    assert closeness(one, other) <= closeness(one, one) == 1


@given(LETTERS, st.lists(LETTERS | mistyped().map(lambda pair: pair[1]), max_size=20), st.booleans())
def test_looking_at_many_at_once_finds_what_each_alone_is(asked: str, known: list[str], loosely: bool) -> None:
    known = [*known, asked, asked[:-1], asked[1:] + "x", f"{asked}en"]
    each = {(weight, word) for word in known if (weight := closeness(asked, word, loosely=loosely))}
    assert set(like(asked, known, loosely=loosely)) == each


def test_another_tenant_has_other_keys() -> None:
    assert not set(near_keys(b"one", ["katarzyna"])) & set(near_keys(b"other", ["katarzyna"]))


def test_nothing_is_near_to_numbers_and_short_words() -> None:
    assert near_keys(SALT, ["12345", "ab", "#1234567"]) == []
    assert closeness("12345", "12346") == 0


@given(st.text(max_size=400))
def test_folding_twice_changes_nothing_and_any_text_has_words(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    for word in (*words(text), *asked(text)):
        assert word
        assert "\0" not in word
        assert " " not in word
        word.encode()


@given(st.text(max_size=60))
def test_whatever_is_kept_is_found_by_its_own_text(text: str) -> None:
    kept = set(words(text))
    assert all(word in kept or phone_word(text) or word.startswith("#") for word in asked(text))
