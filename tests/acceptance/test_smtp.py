"""R1.3: with an SMTP server set, what goes by mail goes there."""

import email
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.installation import LIFTED, Installation, Tenant, problem
from tests.acceptance.more import more_apis
from tests.acceptance.test_invites import token_in
from tests.infra.mail.serving import served
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server writes mails."""
    return tmp_path_factory.mktemp("mails")


@pytest.fixture(scope="module")
def urls(installation: Installation, folder: Path) -> Iterator[list[str]]:
    """Two API processes: one with a mail server, one with a mail server that is away."""
    with (
        served(folder, "plain") as port,
        more_apis(installation, 1, {**LIFTED, "RAPPORT_SMTP_URL": f"smtp://127.0.0.1:{port}"}) as (there,),
        more_apis(installation, 1, {**LIFTED, "RAPPORT_SMTP_URL": "smtp://127.0.0.1:9"}) as (away,),
    ):
        yield [there, away]


def invite(url: str, tenant: Tenant, address: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {tenant.token}"}
    return httpx.post(
        f"{url}/v1/invites", json={"email": address, "roles": ["sales"]}, headers=headers, timeout=PATIENCE
    )


def test_an_invitation_arrives_and_is_accepted(urls: list[str], folder: Path, tenant: Tenant) -> None:
    address = f"{uuid.uuid4().hex}@engines.example"
    assert invite(urls[0], tenant, address).status_code == 201
    mail = email.message_from_bytes((folder / f"{address}.plain").read_bytes().replace(b"\r\n", b"\n"))
    body = {"token": token_in(mail), "name": "Ada Byron", "password": "a password that is long"}
    assert httpx.post(f"{urls[0]}/v1/auth/invites/accept", json=body, timeout=PATIENCE).is_success


def test_while_the_mail_server_is_away_the_answer_says_so_and_asking_again_later_sends_the_mail(
    urls: list[str], folder: Path, tenant: Tenant
) -> None:
    address = f"{uuid.uuid4().hex}@engines.example"
    problem(invite(urls[1], tenant, address), 503, "mail.unavailable")
    assert invite(urls[0], tenant, address).status_code == 201
    assert (folder / f"{address}.plain").exists()
