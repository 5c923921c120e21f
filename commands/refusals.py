"""Refusals of commands for what is nobody's fault, and of keys that are used twice."""

from domain.errors import DomainError


def contention() -> DomainError:
    """The refusal of what was decided again and again, and somebody was faster each time."""
    return DomainError(
        "command.contention",
        "others kept changing this record at the same time",
        hint="Send the request again; nothing was saved.",
    )


def key_reused() -> DomainError:
    """The refusal of an idempotency key that stands for another body."""
    return DomainError(
        "idempotency.key_reused",
        "this Idempotency-Key was used with another body",
        hint="Use a new key for a new request; repeat a request with exactly the body it had.",
    )
