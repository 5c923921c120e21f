"""Mails that users get, and the port that sends them."""

from typing import Protocol

from msgspec import Struct


class Mail(Struct, frozen=True):
    """A mail in plain ASCII text."""

    to: str
    subject: str
    text: str


class Mailer(Protocol):
    """Hands mails over to whoever delivers them."""

    async def send(self, mail: Mail) -> None:
        """Hand one over. Raises DomainError mail.unavailable when it can't be."""
        ...


def invitation(to: str, token: str) -> Mail:
    """How somebody who is invited learns of it."""
    text = f"""You have been invited to Rapport. To accept, choose a name and a password within seven days,
with this token:

{token}

It is good once. If you don't know what this is about, do nothing.
"""
    return Mail(to, "Your invitation", text)


def reset(to: str, token: str) -> Mail:
    """How somebody who has forgotten the password gets another one."""
    text = f"""Somebody asked for a new password for your account. To choose one, use this token within the hour:

{token}

It is good once. If it was not you who asked, do nothing: your password stays as it is.
"""
    return Mail(to, "A new password", text)


def notice(to: str, what: str) -> Mail:
    """How users learn that what signs them in was changed: by them, or by somebody who had got in."""
    text = f"""{what}

If it was you, do nothing. If it was not, choose a new password (ask for one by mail), which ends every session, and
tell an admin of your company.
"""
    return Mail(to, "How you sign in was changed", text)
