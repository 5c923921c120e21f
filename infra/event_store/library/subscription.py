"""An endless iterator over notifications, without LISTEN and NOTIFY (which take an instance-wide lock at commit)."""

from collections import deque
from collections.abc import Sequence
from threading import Event

from eventsourcing.persistence import ApplicationRecorder, Notification, Subscription

_AT_ONCE = 500
_POLL_SECONDS = 0.05


class PollingSubscription(Subscription[ApplicationRecorder]):
    """Looks at the head, and reads what is new. `register` is what the recorder wakes after an insert of its own."""

    def __init__(
        self,
        recorder: ApplicationRecorder,
        register: set["PollingSubscription"],
        gt: int | None = None,
        topics: Sequence[str] = (),
    ) -> None:
        super().__init__(recorder, gt, topics)
        self._register = register
        self._woken = Event()
        self._read: deque[Notification] = deque()
        register.add(self)

    def wake(self) -> None:
        """There may be something new."""
        self._woken.set()

    def stop(self) -> None:
        """End the iteration, from any thread."""
        super().stop()
        self._register.discard(self)
        self._woken.set()

    def __next__(self) -> Notification:
        while not self._read and not self._has_been_stopped:
            self._woken.clear()
            if not self._look() and not self._has_been_stopped:
                self._woken.wait(_POLL_SECONDS)
        if self._has_been_stopped:
            raise StopIteration
        return self._read.popleft()

    def _look(self) -> bool:
        """Read the next ones; False when there is nothing new at all."""
        after, head = self._last_notification_id or 0, self._recorder.max_notification_id() or 0
        if head <= after:
            return False
        found = self._recorder.select_notifications(after, _AT_ONCE, head, self._topics, inclusive_of_start=False)
        self._read.extend(found)
        # Positions have no gaps and are committed in order: up to the head, there is no more of these topics.
        self._last_notification_id = found[-1].id if len(found) == _AT_ONCE else head
        return True
