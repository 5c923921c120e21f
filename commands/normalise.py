"""From what people type to values in normal form, with every problem named at once."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

import phonenumbers
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from commands.numbering import is_e164
from domain.contact import Email, Name, Phone
from domain.errors import FieldError, InvalidError

# Control characters and lone surrogates (categories Cc and Cs).
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_UNSEEN = frozenset({"Cf", "Zs"})
"""Kinds of characters that nobody sees, though scripts and pictures need some of them between others."""
_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}")
# Nearly every address is plain ASCII without quotes: for those the library finds the same, thirty times slower.
_LABEL = r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+){0,9}"
_PLAIN_EMAIL = re.compile(rf"([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+){{0,9}})@((?:{_LABEL}\.)+[A-Za-z]{{2,20}})")
_LONGEST_EMAIL = 64
_FAMILY_FIRST = re.compile("[\u3005\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3]+")  # Chinese, Japanese, Korean
_PARTICLES = frozenset(
    [
        "af",
        "al",
        "bin",
        "da",
        "das",
        "de",
        "del",
        "della",
        "den",
        "der",
        "des",
        "di",
        "do",
        "dos",
        "du",
        "el",
        "la",
        "le",
        "ten",
        "ter",
        "van",
        "von",
        "vom",
        "zu",
        "zum",
        "zur",
    ]
)

EARLIEST, END_OF_TIME = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Between these lies what anything is told of. The ends of the calendar have times that other zones and stores lack."""
MOST_PROBLEMS = 200
"""Named in one answer: an answer to nonsense must not be many times as long as the nonsense."""

T = TypeVar("T")

# Customers do have .local and .test addresses; the library's documentation names this way to let them in.
for _special in {"local", "test"} & set(SPECIAL_USE_DOMAIN_NAMES):
    SPECIAL_USE_DOMAIN_NAMES.remove(_special)


class Problems:
    """Collects what is wrong, so that one answer names all of it."""

    def __init__(self, known: Iterable[FieldError] = ()) -> None:
        self.errors: list[FieldError] = list(known)

    def add(self, pointer: str, code: str, message: str) -> None:
        """Note a bad field; `pointer` is an RFC 6901 pointer into the body as it was sent."""
        if len(self.errors) < MOST_PROBLEMS:
            self.errors.append(FieldError(pointer, code, message))

    def raise_if_any(self) -> None:
        """Raises InvalidError with all that was noted."""
        if self.errors:
            raise InvalidError(self.errors)


def pointer(base: str, member: object) -> str:
    """Extend a JSON pointer by one member (RFC 6901 escapes)."""
    if isinstance(member, int):
        return f"{base}/{member}"
    return f"{base}/{str(member).replace('~', '~0').replace('/', '~1')}"


def line(value: str, at: str, problems: Problems, *, longest: int) -> str | None:
    """One line of text: NFC, inner white space folded, None when blank, be it of characters that nobody sees."""
    if _is_line(value) and value == value.strip() and "  " not in value:
        text = value  # as nearly every line is
    else:
        text = " ".join(unicodedata.normalize("NFC", value).split())
    if not text.isprintable() and _CONTROL.search(text):
        problems.add(at, "text.control_character", "holds a control character; remove it")
    elif len(text) > longest:
        problems.add(at, "text.too_long", f"has {len(text)} characters; at most {longest} are allowed")
    return text if shows(text) else None


def shows(text: str) -> bool:
    """Whether there is something to see in a text: spaces without width and marks of direction alone are nothing."""
    return bool(text) and (text.isprintable() or any(unicodedata.category(each) not in _UNSEEN for each in text))


def _is_line(value: str) -> bool:
    """Whether a text is a line that NFC leaves as it is and that has no control characters: printable ASCII."""
    return value.isascii() and value.isprintable()


def text(value: str, at: str, problems: Problems, *, longest: int) -> str | None:
    """Text of several lines: NFC, lines end in LF, no blank ones at either end, None when all are."""
    if _is_line(value):
        found = value.strip(" ")
    else:
        found = "\n".join(unicodedata.normalize("NFC", value).splitlines()).strip("\n ")
    if not found.isprintable() and _CONTROL.search(found.replace("\n", "").replace("\t", "")):
        problems.add(at, "text.control_character", "holds a control character; remove it")
    elif len(found) > longest:
        problems.add(at, "text.too_long", f"has {len(found)} characters; at most {longest} are allowed")
    return found if shows(found) else None


def filled(value: str, at: str, problems: Problems, *, longest: int) -> str:
    """One line of text that may not be blank."""
    text = line(value, at, problems, longest=longest)
    if text is None:
        problems.add(at, "field.blank", "is blank")
    return text or ""


def is_told_of(value: datetime) -> bool:
    """Whether a time is of the years that anything is told of."""
    return EARLIEST <= value < END_OF_TIME


def moment(value: datetime, at: str, problems: Problems) -> datetime:
    """A time in UTC, of those years."""
    if is_told_of(value):
        return value.astimezone(UTC)
    problems.add(at, "time.out_of_range", f"is not of the years {EARLIEST.year} to {END_OF_TIME.year - 1}")
    return EARLIEST


def email(value: str, at: str, problems: Problems) -> str | None:
    """An address in normal form (IDNA domain, RFC 6531 local part); no DNS look-up."""
    plain = _PLAIN_EMAIL.fullmatch(value)
    if plain and len(value) <= _LONGEST_EMAIL:
        return f"{plain[1]}@{plain[2].lower()}"
    try:
        found = validate_email(value.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        problems.add(at, "email.invalid", f"is not an e-mail address: {str(error).rstrip('.')}")
        return None
    if "." not in found.domain:
        problems.add(at, "email.invalid", "is not an e-mail address: the domain after the @ needs a dot")
        return None
    return found.normalized


def phone(value: str, at: str, problems: Problems) -> str | None:
    """A number as E.164. Numbers must carry their country code: which country is meant is not guessed."""
    if is_e164(value):
        return value
    found = _phone(value)
    if isinstance(found, str):
        return found
    problems.add(at, found.code, found.message)
    return None


@lru_cache(maxsize=4096)  # an import looks at each of them twice, and the library takes longer than all else of a row
def _phone(value: str) -> str | FieldError:
    """The number, or why it is none."""
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        text = "is not a phone number with country code; write it like +49 30 901820"
        return FieldError("", "phone.invalid", text)
    if number.extension:
        # E.164 has no place for it, and dropping it would lose what was typed.
        text = f"has the extension {number.extension}; send the number without it"
        return FieldError("", "phone.extension", text)
    # Possible rather than valid: number plans change faster than the library's tables.
    if not phonenumbers.is_possible_number(number):
        return FieldError("", "phone.invalid", "has too few or too many digits for its country")
    normal = _e164(number)
    if normal[1:] != "".join(filter(str.isdecimal, value)) and not _reads_as_itself(normal):
        return FieldError("", "phone.invalid", "begins with too many zeros for its country")
    return normal


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _reads_as_itself(normal: str) -> bool:
    """Whether a number is the same when it is sent again.

    What is left when a trunk prefix goes, as that of +44 (0)20 7946 0018, can begin with one, and lose that too.
    """
    try:
        return _e164(phonenumbers.parse(normal, None)) == normal
    except phonenumbers.NumberParseException:
        return False


def split_name(text: str) -> Name:
    """Given and family name from one string: "Ada Lovelace", "Lovelace, Ada", "Ludwig van Beethoven", "山田 太郎"."""
    if "," in text:
        family, _, given = (part.strip() for part in text.partition(","))
        return Name(given=given or None, family=family or None, display=f"{given} {family}".strip() or None)
    words = text.split()
    if len(words) == 1:
        return Name(given=text, display=text)
    if _FAMILY_FIRST.fullmatch(words[0]):
        return Name(given=" ".join(words[1:]), family=words[0], display=text)
    start = len(words) - 1
    while start > 1 and words[start - 1].lower() in _PARTICLES:
        start -= 1
    return Name(given=" ".join(words[:start]), family=" ".join(words[start:]), display=text)


def name(given: str | None, family: str | None, display: str | None) -> Name:
    """A name from its parts; without a display form, given and family make one."""
    parts = (family, given) if family and _FAMILY_FIRST.fullmatch(family) else (given, family)
    return Name(given=given, family=family, display=display or " ".join(filter(None, parts)) or None)


def addresses(
    items: Iterable[tuple[str, str, bool] | None],
    at: str,
    problems: Problems,
    kind_of: type[Email] | type[Phone],
    check: Callable[[str, str, Problems], str | None],
) -> tuple[Any, ...]:
    """E-mails or phones in normal form, each once, exactly one of them primary (the first unless one is marked)."""
    found: dict[str, tuple[str, bool]] = {}
    marked = 0
    for index, item in enumerate(items):
        if item is None:  # could not be read, and is in the problems already
            continue
        value, kind, primary = item
        here = pointer(at, index)
        if not _KIND.fullmatch(kind):
            problems.add(f"{here}/kind", "kind.invalid", "must be a lower-case word like work or home")
        normal = check(value, f"{here}/value", problems)
        marked += primary
        if primary and marked > 1:
            problems.add(f"{here}/primary", "primary.twice", "only one can be primary")
        if normal is None:
            continue
        if normal.lower() in (known.lower() for known in found):
            problems.add(f"{here}/value", "value.repeated", "is in the list already")
            continue
        found[normal] = (kind, primary)
    first = next(iter(found), None)
    return tuple(
        kind_of(value=value, kind=kind, primary=primary if marked else value == first)
        for value, (kind, primary) in found.items()
    )


def tags(values: Iterable[str | None], at: str, problems: Problems) -> tuple[str, ...]:
    """Tags, each once (case apart), in the order given."""
    found: dict[str, str] = {}
    for index, value in enumerate(values):
        if value is None:  # as above
            continue
        here = pointer(at, index)
        tag = line(value, here, problems, longest=64)
        if tag is None:
            problems.add(here, "tag.blank", "is blank; leave it out")
        else:
            found.setdefault(tag.casefold(), tag)
    return tuple(found.values())


def external_ids(values: Mapping[str, str | None], at: str, problems: Problems) -> dict[str, str | None]:
    """Ids that other systems know the record by, one per system; None takes one away."""
    found: dict[str, str | None] = {}
    for system, value in values.items():
        here = pointer(at, system)
        if not _KIND.fullmatch(system):
            problems.add(here, "external_ids.system", "a system's name is a lower-case word like erp or shop_2")
        elif value is None:
            found[system] = None
        elif text := line(value, here, problems, longest=255):
            found[system] = text
        else:
            problems.add(here, "external_ids.blank", "is blank; send null to remove it")
    return found


def key(text: str) -> str:
    """What two spellings of one name share: case, width and white space folded, without what nobody sees."""
    if not text.isprintable():
        text = "".join(each for each in text if unicodedata.category(each) != "Cf")
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Folding can leave what composes again, and composing what folds again: toNFKC_Casefold's order (Unicode 3.13).
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded).casefold()).split())
