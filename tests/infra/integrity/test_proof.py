"""B4, N-S3: a proof holds with the public key alone, and no byte of it can be another."""

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from infra.integrity.keys import PublicKey, public_key_from_pem
from infra.integrity.proof import InvalidProofError, check, prove
from tests.infra.integrity.made import KEY, OTHER_KEY, checkpoint, event, hashes, proof

ROOT = Path(__file__).parents[3]
WHOLE = proof()


def public(pem: bytes = KEY.public.pem()) -> PublicKey:
    return public_key_from_pem(pem)


@pytest.mark.parametrize("position", range(3, 11))
def test_every_event_of_a_checkpoint_can_be_proven(position: int) -> None:
    held = check(proof(position), public())
    assert (held.event.position, held.event.data) == (position, '{"name":"Ada"}')


def test_a_checkpoint_of_one_event_needs_no_path() -> None:
    assert check(proof(1, 1, 1), public()).path == ()


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_found(place: int, bit: int) -> None:
    flipped = bytearray(WHOLE)
    flipped[place] ^= 1 << bit
    with pytest.raises(InvalidProofError):
        check(bytes(flipped), public())


@given(st.integers(0, len(WHOLE) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_what_is_put_in_or_left_out_is_found(place: int, put: bytes, left_out: int) -> None:
    changed = WHOLE[:place] + put + WHOLE[place + left_out :]
    if changed != WHOLE:
        with pytest.raises(InvalidProofError):
            check(changed, public())


def test_anothers_key_proves_nothing() -> None:
    with pytest.raises(InvalidProofError, match="another public key"):
        check(WHOLE, OTHER_KEY.public)


def test_a_proof_that_brings_its_own_key_is_not_believed() -> None:
    forged = prove(event(6), hashes(5)[-1], checkpoint(3, 10, OTHER_KEY), hashes(10)[2:], OTHER_KEY.public)
    check(forged, OTHER_KEY.public)
    with pytest.raises(InvalidProofError):
        check(forged, public())
    named = forged.replace(OTHER_KEY.public.raw.hex().encode(), KEY.public.raw.hex().encode())
    with pytest.raises(InvalidProofError, match="not signed"):
        check(named, public())


def test_an_event_that_was_not_there_has_no_proof() -> None:
    with pytest.raises(InvalidProofError, match="not the one"):
        prove(event(6, b"{}"), hashes(5)[-1], checkpoint(3, 10), hashes(10)[2:], KEY.public)


def test_an_event_beside_its_checkpoint_has_no_proof() -> None:
    with pytest.raises(IndexError):
        prove(event(2), hashes(1)[-1], checkpoint(3, 10), hashes(10)[2:], KEY.public)


def test_a_key_of_another_kind_is_refused() -> None:
    other = generate_private_key(SECP256R1()).public_key()
    with pytest.raises(ValueError, match="Ed25519"):
        public(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(ValueError, match=r"\w"):
        public(b"no key at all")


def test_the_recipe_of_the_document_checks_a_proof_by_itself(tmp_path: Path) -> None:
    """docs/integrity.md, the program in it: run as an outsider would, away from this code."""
    text = (ROOT / "docs/integrity.md").read_text()
    program = text.partition("```python\n")[2].partition("```")[0]
    (tmp_path / "check.py").write_text(program)
    (tmp_path / "key.pem").write_bytes(KEY.public.pem())

    def run(content: bytes) -> subprocess.CompletedProcess[str]:
        (tmp_path / "proof.json").write_bytes(content)
        command = [sys.executable, "-I", "check.py", "proof.json", "key.pem"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    good = run(WHOLE)
    assert good.returncode == 0, good.stderr
    assert "contact.registered.v1" in good.stdout
    assert run(WHOLE.replace(b"Ada", b"Eve")).returncode == 1
    assert run(WHOLE.replace(b'"to":10', b'"to":11')).returncode == 1
