"""Faults 6 and 7: what happens to the broker, and what it delivers."""

import asyncio
import os
import shutil
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress

import psycopg
from nats.aio.client import Client
from nats.errors import Error as NatsError

from tests.faults.site import copy_folder
from tests.faults.trial import Trial
from tests.infra.broker.streams import delete_streams, raw_client
from tests.waiting import PATIENCE

_SLOWEST_SECONDS = PATIENCE / 2
_AS_IF_NOTHING_HAD_BEEN_PUBLISHED = "UPDATE ops.relay_checkpoint SET position = 0 WHERE tenant_id = ANY(%s)"


def streams_deleted(trial: Trial) -> None:
    """Every stream is deleted, again and again."""
    for _ in trial.rounds(3, 6):
        trial.load.until_acked(40)
        for _ in range(_with_client(trial, delete_streams)):
            trial.did("deleted", "a stream")
    trial.load.until_acked(40)


def frozen_or_killed(trial: Trial) -> None:
    """It accepts everything and answers nothing; then it is killed. Neither holds up a command or a read."""
    for _ in trial.rounds(1, 3):
        trial.load.until_acked(20)
        with trial.frozen("nats"):
            trial.load.slowest()
            trial.load.until_acked(60)
            trial.read_models_reach_heads(trial.load.ids)
            slowest = trial.load.slowest()
        assert slowest < _SLOWEST_SECONDS, f"a write took {slowest:.1f} s"
        trial.kill("nats")
        trial.load.until_acked(40)


def rolled_back(trial: Trial) -> None:
    """Its folder is put back to an old copy: acknowledged messages are gone, consumers where they were."""
    folder = trial.site.installation.data / "nats"
    old = trial.site.folder / "old-nats"
    for _ in trial.rounds(1, 3):
        trial.load.until_acked(40)
        nats = trial.site.pid("nats")
        with trial.site.frozen(nats):  # a copy of one moment
            shutil.rmtree(old, ignore_errors=True)
            copy_folder(folder, old)
        trial.load.until_acked(60)
        with trial.site.frozen(trial.site.supervisor(), alone=True):  # which would start it again too soon
            os.kill(nats, signal.SIGKILL)
            shutil.rmtree(folder)
            copy_folder(old, folder)
        trial.did("rolled back", "nats")
        trial.load.until_acked(60)


def published_again(trial: Trial) -> None:
    """The relay loses its checkpoints and publishes everything again, later than the broker remembers message ids."""
    for _ in trial.rounds(1, 3):
        trial.load.until_acked(60)
        _with_client(trial, _forget_ids)
        with psycopg.connect(trial.site.dsn) as connection:
            connection.execute(_AS_IF_NOTHING_HAD_BEEN_PUBLISHED, (trial.load.ids,))
        trial.kill("relay")
        trial.load.until_acked(60)


def acks_lost(trial: Trial) -> None:
    """The connection breaks when events have been published: in front of them, or of their acknowledgements."""
    wire = trial.site.nats_wire
    for _ in trial.rounds(1, 3):
        wire.chance = 0.5
        trial.load.until_acked(60)
        wire.chance = 0.0
        trial.load.until_acked(20)
    assert wire.cuts, "nothing was cut"
    for way, count in wire.cuts.items():
        for _ in range(count):
            trial.did("cut", way)


def out_of_order(trial: Trial) -> None:
    """What was published comes again, shuffled, and in between what comes anew."""

    async def shuffle(client: Client) -> int:
        jetstream = client.jetstream()
        messages = []
        for info in await jetstream.streams_info():
            for sequence in range(info.state.first_seq, info.state.last_seq + 1):
                with suppress(NatsError):
                    messages.append(await jetstream.get_msg(str(info.config.name), sequence))
        trial.rng.shuffle(messages)
        for message in messages:
            await jetstream.publish(str(message.subject), message.data or b"")
        return len(messages)

    for _ in trial.rounds(1, 3):
        trial.load.until_acked(60)
        count = _with_client(trial, shuffle)
        assert count > 0, "there was nothing to deliver again"
        trial.did("shuffled", f"{count} messages")
        trial.load.until_acked(40)


async def _forget_ids(client: Client) -> int:
    """Let the duplicate windows of all streams run out."""
    jetstream = client.jetstream()
    infos = await jetstream.streams_info()
    for info in infos:
        info.config.duplicate_window = 0.1
        await jetstream.update_stream(info.config)
    await asyncio.sleep(0.3)
    return len(infos)


def _with_client(trial: Trial, work: Callable[[Client], Awaitable[int]]) -> int:
    async def run() -> int:
        client = await raw_client(str(trial.site.installation.ready["nats"]))
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(run())
