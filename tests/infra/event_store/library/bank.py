"""A small program as users of the library write them; it knows nothing of us."""

from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking, TrackingRecorder
from eventsourcing.projection import Projection


class Account(Aggregate):
    @event("Opened")
    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.balance = 0

    @event("Deposited")
    def deposit(self, pence: int) -> None:
        self.balance += pence

    @event("Withdrawn")
    def withdraw(self, pence: int) -> None:
        if pence > self.balance:
            raise ValueError("not enough there")
        self.balance -= pence


class Bank(Application[UUID]):
    snapshotting_intervals = {Account: 3}  # noqa: RUF012  the library wants it like this

    def open(self, owner: str) -> UUID:
        account = Account(owner)
        self.save(account)
        return account.id

    def move(self, source: UUID, target: UUID, pence: int) -> None:
        giver, taker = self.account(source), self.account(target)
        giver.withdraw(pence)
        taker.deposit(pence)
        self.save(giver, taker)

    def account(self, account_id: UUID) -> Account:
        account: Account = self.repository.get(account_id)
        return account


class Turnover(Projection[TrackingRecorder]):
    """How much was ever deposited. Kept in memory; where it has got to is in the tracking recorder."""

    pence = 0

    @singledispatchmethod
    def process_event(self, _: Any, tracking: Tracking) -> None:
        self.view.insert_tracking(tracking)

    @process_event.register
    def deposited(self, event: Account.Deposited, tracking: Tracking) -> None:  # type: ignore[name-defined]
        self.pence += event.pence
        self.view.insert_tracking(tracking)
