"""Mails as files: what an installation without a mail server does with them."""

import asyncio
import os
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path

from commands.notifications.mail import Mail
from domain.errors import DomainError
from infra import clock


class MailFolder:
    """Implements commands.notifications.mail.Mailer: one .eml file a mail (RFC 5322), readable by the owner only."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def send(self, mail: Mail) -> None:
        """See the port."""
        try:
            await asyncio.to_thread(self._write, as_message(mail, self._sender))
        except OSError as error:
            raise DomainError(
                "mail.unavailable", "the mail can't be sent now", hint="Try again in a moment."
            ) from error

    def _write(self, message: EmailMessage) -> None:
        name = str(clock.new_id())
        fresh = self._folder / f".{name}"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(bytes(message))
        fresh.rename(self._folder / f"{name}.eml")


def as_message(mail: Mail, sender: str) -> EmailMessage:
    """A mail as it goes out. The text stays as it is, so that no token is broken over lines."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = make_msgid(domain="rapport.invalid")
    message.set_content(mail.text, cte="7bit")
    return message
