"""Fetch OpenSearch's jars into the cache: `python -m infra.embedded.fetch`. Needs the network once."""

import fcntl
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.embedded import jars
from infra.embedded.cache import cache_folder
from infra.embedded.protocol import EmbeddedError
from infra.embedded.server import not_installed

if TYPE_CHECKING:
    from jgo.maven import Artifact, MavenContext

_CONNECTIONS: Final = 6
_TIMEOUT: Final = 20  # seconds without a byte
_TRIES: Final = 3


def fetch_opensearch(cache: Path, on_progress: Callable[[str], None]) -> Path:
    """Make sure that the cache holds OpenSearch's jars, and return their folder. No network if it does.

    What is there is complete and verified, or not there: the jars gather in a folder beside it that is renamed at the
    end, and a fetch that was broken off goes on from where it was. Processes that fetch at once wait for each other.
    Raises EmbeddedError `embedded.fetch_failed` or `embedded.jar_mismatch`.
    """
    folder = jars.cached(cache)
    if folder.is_dir():
        return folder
    try:
        with _alone(cache):
            if not folder.is_dir():
                partial = folder.with_name(f"{folder.name}.partial")
                partial.mkdir(exist_ok=True)
                _fetch_missing(partial, on_progress)
                _open_to_all(partial)
                partial.rename(folder)
    except OSError as error:
        raise EmbeddedError(
            "embedded.fetch_failed", f"The cache {cache} can't be written: {error}.",
            "Set RAPPORT_CACHE to a folder with 100 MB of room that this user can write to.",
        ) from error  # fmt: skip
    return folder


def _fetch_missing(partial: Path, on_progress: Callable[[str], None]) -> None:
    missing = [jar for jar in jars.wanted() if not jar.matches(partial)]
    total = len(jars.wanted())
    context = _maven(partial / ".maven")
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        tasks = [pool.submit(_fetch, context, jar, partial) for jar in missing]
        try:
            for done, task in enumerate(as_completed(tasks), total - len(missing) + 1):
                task.result()
                on_progress(f"OpenSearch: {done} of {total} jars")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    shutil.rmtree(partial / ".maven", ignore_errors=True)


def _fetch(context: "MavenContext", jar: jars.Jar, partial: Path) -> None:
    group, artifact, version, classifier = jar.coordinate
    source = context.project(group, artifact).at_version(version).artifact(classifier)
    path = _with_patience(source, jar.name)
    path.replace(partial / jar.name)
    if not jar.matches(partial):
        (partial / jar.name).unlink()
        raise EmbeddedError(
            "embedded.jar_mismatch",
            f"The {jar.name} that was fetched is not the file that {jars.LIST.name} lists; it was not kept.",
            "Something between here and the Maven repository changes files. Fetch it over another network.",
        )


def _with_patience(source: "Artifact", name: str) -> Path:
    """Try a few times. The library raises RuntimeError for a file that isn't there, OSError for the network."""
    for attempt in range(1, _TRIES + 1):
        if source.cached_path is not None:
            source.cached_path.unlink(missing_ok=True)  # half a file from a fetch that was broken off
        try:
            return source.resolve()
        except (OSError, RuntimeError) as error:
            if attempt == _TRIES:
                raise EmbeddedError(
                    "embedded.fetch_failed",
                    f"OpenSearch's jars aren't cached and {name} can't be fetched ({type(error).__name__}).",
                    "Connect to the network and run `python -m infra.embedded.fetch`, or copy the cache folder from "
                    "a machine that has it. Search works without OpenSearch meanwhile, from Postgres.",
                ) from error
            time.sleep(0.3 * attempt)
    raise AssertionError(name)


def _maven(repository: Path) -> "MavenContext":
    try:
        from jgo.maven import MavenContext  # noqa: PLC0415 - half a second, and only needed once
    except ImportError as error:
        raise not_installed("the Maven resolver") from error
    return MavenContext(repo_cache=repository, local_repos=[], timeout=_TIMEOUT)


def _open_to_all(folder: Path) -> None:
    """Readable whatever the umask: when root fetches, another user runs the server."""
    folder.chmod(0o755)
    for path in folder.iterdir():
        path.chmod(0o644)


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Fetch with a progress line; the status is 1 if it fails."""
    start = "\r" if sys.stdout.isatty() else ""

    def show(line: str) -> None:
        if start:
            sys.stdout.write(f"{start}{line}")
            sys.stdout.flush()

    try:
        folder = fetch_opensearch(cache_folder(), show)
    except EmbeddedError as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    sys.stdout.write(f"{start}OpenSearch is in {folder}\n")
    return 0


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
