"""One-time passwords by time (RFC 6238 with SHA-1, 30 seconds, 6 digits: what apps take), and recovery codes.

Pure: secrets and the time come in.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote, urlencode
from uuid import UUID

SECRET_BYTES = 20
"""As long as SHA-1's output (RFC 4226, 4)."""
RECOVERY_BYTES = 10
RECOVERY_CODES = 10
DIGITS = 6
STEP_SECONDS = 30

_ISSUER = "Rapport"
_WINDOW = 1
"""Steps that a device's clock may be off, either way."""
_GROUP = 4
_LONGEST = 64


def spelt(secret: bytes) -> str:
    """A secret as apps take it, in base32."""
    return base64.b32encode(secret).decode()


def url(secret: str, account: str) -> str:
    """What a QR code for authenticator apps holds (the Key Uri Format)."""
    parameters = {"secret": secret, "issuer": _ISSUER, "algorithm": "SHA1", "digits": DIGITS, "period": STEP_SECONDS}
    return f"otpauth://totp/{_ISSUER}:{quote(account, safe='@')}?{urlencode(parameters)}"


def code(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of a time step (RFC 4226, 5.3)."""
    mac = hmac.digest(secret, step.to_bytes(8), "sha1")
    start = mac[-1] & 15
    number = int.from_bytes(mac[start : start + 4]) & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}}"


def steps(secret: str, given: str, now: datetime) -> list[int]:
    """The time steps near now whose code was given, the oldest first; none when it is wrong."""
    found, key = given.replace(" ", ""), base64.b32decode(secret)
    if not key or len(found) != DIGITS or not found.isascii():
        return []
    here = int(now.timestamp()) // STEP_SECONDS
    near = range(here - _WINDOW, here + _WINDOW + 1)
    return [step for step in near if hmac.compare_digest(code(key, step), found)]


def recovery_code(random: bytes) -> str:
    """A recovery code of 80 bits, as its user writes it down: abcd-efgh-ijkl-mnop."""
    text = base64.b32encode(random).decode().lower()
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))


def digest(user_id: UUID, recovery: str) -> str:
    """What is stored of a user's recovery code, however it is written."""
    text = "".join(recovery[:_LONGEST].split()).replace("-", "").upper()
    return hmac.new(user_id.bytes, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def digests(user_id: UUID, recovery: Sequence[str]) -> tuple[str, ...]:
    """The same of several."""
    return tuple(digest(user_id, each) for each in recovery)
