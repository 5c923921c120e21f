"""Mails reach a real SMTP server, over TLS where a password is sent, and what goes wrong is told."""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from commands.notifications import mail
from commands.notifications.mail import Mail
from domain.errors import DomainError
from infra.mail import smtp
from infra.mail.smtp import SmtpMailer
from settings import SettingsError, SmtpServer, from_environment
from tests.infra.mail.serving import served
from tests.waiting import PATIENCE

SENDER = "Rapport <no-reply@rapport.example>"
TOKEN = "t" * 120  # longer than a line may be, and broken nowhere
MAIL = mail.invitation("ada@engines.example", TOKEN)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[[str], int]]:
    """Starts a server in a manner; gives its port."""
    with ExitStack() as stack:
        yield lambda manner: stack.enter_context(served(tmp_path, manner))


@pytest.fixture
def trust(tmp_path: Path) -> ssl.SSLContext:
    """A context that trusts the server's certificate, which is in its folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (tmp_path / "cert.pem").write_bytes(pem)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(key.private_bytes(*form))
    return ssl.create_default_context(cadata=pem.decode())


def server_at(url: str) -> SmtpServer:
    found = from_environment({"RAPPORT_SMTP_URL": url}).smtp
    assert found is not None
    return found


def check_arrived(file: Path) -> None:
    message = message_from_bytes(file.read_bytes())
    assert (message["From"], message["To"], message["Subject"]) == (SENDER, MAIL.to, MAIL.subject)
    assert f"\n{TOKEN}\n" in str(message.get_payload()).replace("\r\n", "\n")


async def test_a_mail_arrives_as_it_is(tmp_path: Path, server: Callable[[str], int]) -> None:
    await SmtpMailer(server_at(f"smtp://127.0.0.1:{server('plain')}"), SENDER).send(MAIL)
    check_arrived(tmp_path / "ada@engines.example.plain")


@pytest.mark.parametrize(("scheme", "manner"), [("smtp", "starttls"), ("smtps", "smtps")])
async def test_a_password_is_sent_over_tls(
    tmp_path: Path, server: Callable[[str], int], trust: ssl.SSLContext, scheme: str, manner: str
) -> None:
    where = server_at(f"{scheme}://ada:secret@127.0.0.1:{server(manner)}")
    await SmtpMailer(where, SENDER, trust=trust).send(MAIL)
    check_arrived(tmp_path / "ada@engines.example.TLS")


@pytest.mark.usefixtures("trust")  # which only makes the certificate: nobody here trusts it
@pytest.mark.parametrize(
    ("manner", "login"), [("plain", "ada:secret@"), ("starttls", "ada:secret@"), ("starttls", ""), ("refusing", "")]
)
async def test_what_a_server_refuses_or_must_not_learn_is_not_sent(
    tmp_path: Path, server: Callable[[str], int], manner: str, login: str
) -> None:
    where = server_at(f"smtp://{login}127.0.0.1:{server(manner)}")
    with pytest.raises(DomainError) as refused:
        await SmtpMailer(where, SENDER).send(MAIL)
    assert refused.value.code == "mail.unavailable"
    assert MAIL.to not in str(refused.value)
    assert not [manner for manner in ("plain", "TLS") if (tmp_path / f"{MAIL.to}.{manner}").exists()]


async def test_a_wrong_password_and_a_server_that_is_away_are_told(
    server: Callable[[str], int], trust: ssl.SSLContext
) -> None:
    for where in (f"smtp://ada:wrong@127.0.0.1:{server('starttls')}", "smtp://127.0.0.1:9"):
        with pytest.raises(DomainError, match=r"mail\.unavailable"):
            await SmtpMailer(server_at(where), SENDER, trust=trust).send(MAIL)


async def test_nobody_waits_for_a_server_that_says_nothing(
    server: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "_SECONDS", 0.5)
    started = time.monotonic()
    with pytest.raises(DomainError, match=r"mail\.unavailable"):
        await SmtpMailer(server_at(f"smtp://127.0.0.1:{server('mute')}"), SENDER).send(MAIL)
    assert time.monotonic() - started < PATIENCE
    await asyncio.sleep(0)


async def test_an_address_beyond_ascii_gets_its_mail(tmp_path: Path, server: Callable[[str], int]) -> None:
    await SmtpMailer(server_at(f"smtp://127.0.0.1:{server('plain')}"), SENDER).send(Mail("zoë@x.example", "Hi", "Hi"))
    assert (tmp_path / "zoë@x.example.plain").exists()


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("smtp://mx", SmtpServer("mx", 25)),
        ("smtp://mx?tls=off", SmtpServer("mx", 25, tls="off")),
        ("smtp://a%40b:p%2F@mx", SmtpServer("mx", 587, "a@b", "p/", "required")),
        ("smtps://a:p@mx", SmtpServer("mx", 465, "a", "p", "from the start")),
    ],
)
def test_the_setting_says_how(url: str, found: SmtpServer) -> None:
    assert server_at(url) == found


@pytest.mark.parametrize("url", ["", "mx:25", "http://mx", "smtp://", "smtp://mx?tls=maybe", "smtp://mx:port"])
def test_a_setting_that_says_nothing_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="RAPPORT_SMTP_URL"):
        from_environment({"RAPPORT_SMTP_URL": url})
