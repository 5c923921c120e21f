"""A publisher in memory: for tests, held to the same conformance suite as the real one."""

from collections.abc import Sequence

from infra.broker.envelope import Message
from infra.broker.jetstream import PublishError


class MemoryPublisher:
    """Implements infra.relay.Publisher for one process: keeps what was published, in order, each id once."""

    def __init__(self) -> None:
        self.connected = True
        self.messages: list[Message] = []
        self.received = 0
        """Messages taken, repeated ones too."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """See the port."""
        if not self.connected:
            raise PublishError("not connected")
        self.received += len(messages)
        known = {message.id for message in self.messages}
        for message in messages:
            if message.id not in known:
                known.add(message.id)
                self.messages.append(message)

    def lose_everything(self) -> None:
        """What a broker may do."""
        self.messages.clear()
