"""An SMTP server as a process of its own: `python -m tests.infra.mail.server <folder> <manner>`.

It writes each mail to a file, prints the port that it listens on, and ends with its input. Manners: `plain`; `starttls`
and `smtps`, with a certificate in the folder and the login ada/secret; `refusing`, which takes no recipient; `mute`,
which never says a word.
"""

import asyncio
import ssl
import sys
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope


class Folder:
    """What is done with mails."""

    def __init__(self, folder: Path, *, refuses: bool) -> None:
        self._folder = folder
        self._refuses = refuses

    async def handle_RCPT(  # noqa: N802  as it is called
        self, _server: object, _session: object, envelope: Envelope, address: str, _options: object
    ) -> str:
        """Take a recipient."""
        if self._refuses:
            return f"550 no such user: {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: object, envelope: Envelope) -> str:  # noqa: N802  as it is called
        """Take a mail."""
        secure = "TLS" if server.transport.get_extra_info("ssl_object") else "plain"
        (self._folder / f"{envelope.rcpt_tos[0]}.{secure}").write_bytes(envelope.original_content or b"")
        return "250 OK"


def is_ada(_server: object, _session: object, _envelope: object, _mechanism: object, login: Any) -> AuthResult:
    """Whether a login is right."""
    return AuthResult(success=(login.login, login.password) == (b"ada", b"secret"), handled=False)


async def main(folder: Path, manner: str) -> None:
    """Serve until the input ends."""
    tls = None
    if manner in {"starttls", "smtps"}:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(folder / "cert.pem", folder / "key.pem")

    def protocol() -> asyncio.Protocol:
        if manner == "mute":
            return asyncio.Protocol()
        return SMTP(
            Folder(folder, refuses=manner == "refusing"),
            hostname="localhost",
            tls_context=tls if manner == "starttls" else None,
            authenticator=is_ada,
            auth_required=tls is not None,
            auth_require_tls=manner == "starttls",
            enable_SMTPUTF8=True,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls if manner == "smtps" else None)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  that is how it tells
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
