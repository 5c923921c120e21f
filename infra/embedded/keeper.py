"""Keep one server running: start it, wait until it serves, start it again when it dies, stop it."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from infra.embedded import folder, leftovers, ports
from infra.embedded.protocol import EmbeddedError, ServerEvent, ServerName
from infra.embedded.server import Place, Server

Say = Callable[[ServerEvent], None]

_FIRST_PAUSE: Final = 0.2  # seconds before a dead server is started again; doubles up to
_LONGEST_PAUSE: Final = 5.0
_HEALTHY_AFTER: Final = 30.0  # a server that ran this long starts over with the short pause
_FIRST_TRIES: Final = 4  # a port lost to a race, or the last backends of a killed server still going
_PROBE_PAUSE: Final = 0.02
_STOP_STEPS: Final = (0.0, 3.5, 4.8)  # seconds until each stop signal but the last, which comes at the last


class Keeper:
    """Runs one server. `run` ends only by an error on the first start, or by being cancelled."""

    def __init__(self, server: Server, place: Place, data: Path, fixed_port: int | None, say: Say) -> None:
        """Nothing is started yet."""
        self._server = server
        self._place = place
        self._data = data
        self._fixed_port = fixed_port
        self._say = say
        self._port = 0
        self._process: asyncio.subprocess.Process | None = None
        self.started = asyncio.Event()
        """The first start is over, whether it went well or not."""

    @property
    def name(self) -> ServerName:
        """The server's name."""
        return self._server.name

    async def run(self) -> None:
        """Start and keep. Reports `ready`, `restarting` and, if the first start fails, `failed`."""
        try:
            await self._first_start()
        except (EmbeddedError, OSError) as error:
            await self.stop()
            problem = error if isinstance(error, EmbeddedError) else folder.unusable(self._place.folder, error)
            self._say(ServerEvent.failure(problem, self._server.name))
            return
        finally:
            self.started.set()
        await self._keep()

    async def stop(self) -> None:
        """Stop in good order, then by force; done within 5 s."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        begun = time.monotonic()
        signals = self._server.stop_signals
        for number, step in zip(signals, _steps(len(signals)), strict=True):
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), max(0.001, begun + step - time.monotonic()))
                return
            with suppress(ProcessLookupError):
                process.send_signal(number)
        await process.wait()

    async def _first_start(self) -> None:
        await asyncio.to_thread(leftovers.clear, self._place.folder)
        for attempt in range(1, _FIRST_TRIES + 1):
            self._choose_port()
            try:
                await self._start()
            except EmbeddedError as error:
                if error.code != "embedded.start_failed" or attempt == _FIRST_TRIES:
                    raise
                await asyncio.sleep(_FIRST_PAUSE * attempt)
            else:
                return

    def _choose_port(self) -> None:
        if self._fixed_port is None:
            self._port = ports.find_free(self._server.candidates())
            return
        self._port = self._fixed_port
        ports.reserve(self._port)
        if not ports.is_free(self._port):
            raise ports.in_use(self._server.name, self._port)

    async def _keep(self) -> None:
        pause, since = _FIRST_PAUSE, time.monotonic()
        ended = await self._end_of_process()
        while True:
            if time.monotonic() - since > _HEALTHY_AFTER:
                pause = _FIRST_PAUSE
            self._say(ServerEvent("restarting", self._server.name, message=f"{ended}; starting it in {pause:g} s"))
            await asyncio.sleep(pause)
            pause, since = min(pause * 2, _LONGEST_PAUSE), time.monotonic()
            try:
                await self._start()
                ended = await self._end_of_process()
            except (EmbeddedError, OSError) as error:
                ended = str(error)

    async def _start(self) -> None:
        """Prepare, spawn and wait until it serves. Raises EmbeddedError `embedded.start_failed` among others."""
        name, place = self._server.name, self._place
        command = await asyncio.to_thread(self._server.prepare, place, self._port)
        with folder.open_log(self._data, name) as log:
            self._process = await asyncio.create_subprocess_exec(
                *place.run_as.command(command, self._server.death_signal, _environment(place.folder)),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=place.folder, start_new_session=True,
            )  # fmt: skip
        pid = self._process.pid
        self._say(ServerEvent("starting", name, pid=pid, port=self._port))
        await self._wait_until_ready(self._process)
        self._say(ServerEvent("ready", name, url=self._server.url(place, self._port), pid=pid, port=self._port))

    async def _wait_until_ready(self, process: asyncio.subprocess.Process) -> None:
        deadline = time.monotonic() + self._server.start_seconds
        while process.returncode is None:
            if await asyncio.to_thread(self._server.is_ready, self._place, self._port, process.pid):
                return
            if time.monotonic() > deadline:
                await self.stop()
                raise self._start_failed(f"isn't ready after {self._server.start_seconds:g} s")
            await asyncio.sleep(_PROBE_PAUSE)
        raise self._start_failed(await self._end_of_process())

    async def _end_of_process(self) -> str:
        code = await self._process.wait() if self._process else 0
        return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"

    def _start_failed(self, what: str) -> EmbeddedError:
        name = self._server.name
        said = folder.last_line(self._data, name)
        return EmbeddedError(
            "embedded.start_failed",
            f"The {name} server on port {self._port} {what}; it last said: {said}",
            f"See {self._data / 'logs' / name}.log.",
        )


def _steps(count: int) -> list[float]:
    """When each of `count` signals is sent: the first at once, the last (SIGKILL) at the end."""
    return [*_STOP_STEPS[: count - 1], _STOP_STEPS[-1]]


def _environment(home: Path) -> dict[str, str]:
    """Little and the same everywhere: no setting of the user's shell changes a server."""
    return {"PATH": os.defpath, "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
