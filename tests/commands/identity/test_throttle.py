"""R1.3: what failures are counted for."""

import pytest

from commands.identity.throttle import counts, inside, place


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::ffff", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_who_has_a_network_of_addresses_gets_the_guesses_of_one(address: str, counted: str) -> None:
    assert place(address) == counted


def test_who_is_signed_in_guesses_no_more_often_from_many_addresses_and_apart_from_the_door() -> None:
    keys = [{count.key for count in inside("ada", address)} for address in ("192.0.2.7", "192.0.2.8")]
    assert keys[0] & keys[1] == {("inside", "ada")}
    assert ("login", "ada") not in keys[0]


def test_a_known_place_is_not_concerned_by_failures_elsewhere() -> None:
    known, unknown = counts("ada", "192.0.2.7", known=True), counts("ada", "192.0.2.7", known=False)
    assert [count.key[0] for count in known] == ["here", "address"]
    assert [count.key for count in unknown] == [*(count.key for count in known), ("login", "ada")]
