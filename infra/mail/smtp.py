"""Mails go to an SMTP server (RFC 5321), a connection each."""

import asyncio
import ssl

import aiosmtplib
import structlog

from commands.notifications.mail import Mail
from domain.errors import DomainError
from infra.mail.folder import as_message
from settings import SmtpServer

_SECONDS = 10.0

_log = structlog.get_logger()


class SmtpMailer:
    """Implements commands.notifications.mail.Mailer; `trust` says whose certificates are good, else the system does."""

    def __init__(self, server: SmtpServer, sender: str, *, trust: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._sender = sender
        self._trust = trust

    async def send(self, mail: Mail) -> None:
        """See the port."""
        server = self._server
        try:
            async with asyncio.timeout(_SECONDS):
                await aiosmtplib.send(
                    as_message(mail, self._sender),
                    hostname=server.host,
                    port=server.port,
                    username=server.user,
                    password=server.password,
                    use_tls=server.tls == "from the start",
                    start_tls={"required": True, "if offered": None}.get(server.tls, False),
                    tls_context=self._trust,
                )
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            # What the server says may name the one that the mail is for: its code is enough to find out more there.
            _log.warning("mail.failed", error=type(error).__name__, code=getattr(error, "code", None))
            raise DomainError(
                "mail.unavailable", "the mail can't be sent now", hint="Try again in a moment."
            ) from error
