"""OpenSearch's jars: which ones, where they are cached, and whether they are what they should be.

opensearch.sha256 lists every jar by its path in a Maven repository, in the format of sha256sum: that pins the exact
versions of OpenSearch 3.8 and of all that it needs. `python -m infra.embedded.lock_jars` writes it anew.
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from infra.embedded.protocol import EmbeddedError

LIST: Final = Path(__file__).with_name("opensearch.sha256")


class Jar(msgspec.Struct, frozen=True):
    """One jar: its path in a Maven repository (group/artifact/version/file) and its SHA-256 in hex."""

    path: str
    sha256: str

    @property
    def name(self) -> str:
        """The file's name, unique in the list."""
        return self.path.rpartition("/")[2]

    @property
    def coordinate(self) -> tuple[str, str, str, str]:
        """Group, artifact, version and classifier ("" for none)."""
        *group, artifact, version, name = self.path.split("/")
        classifier = name.removeprefix(f"{artifact}-{version}").removesuffix(".jar").removeprefix("-")
        return ".".join(group), artifact, version, classifier

    def matches(self, folder: Path) -> bool:
        """Whether the folder holds this very file."""
        try:
            with (folder / self.name).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except FileNotFoundError:
            return False


@cache
def wanted() -> tuple[Jar, ...]:
    """All jars of the list."""
    return tuple(_parse(LIST.read_text(encoding="ascii")))


def cached(cache_folder: Path) -> Path:
    """The folder that holds the jars once they are fetched. Its name changes with the list."""
    digest = hashlib.sha256(LIST.read_bytes()).hexdigest()[:12]
    return cache_folder / f"opensearch-{digest}"


def class_path(cache_folder: Path) -> list[Path]:
    """The jars' paths, every one verified; reads about 75 MB.

    Raises EmbeddedError `embedded.jar_mismatch` for a jar that is missing or isn't the listed one.
    """
    folder = cached(cache_folder)
    for jar in wanted():
        if not jar.matches(folder):
            raise EmbeddedError(
                "embedded.jar_mismatch",
                f"{folder / jar.name} is not the file that {LIST.name} lists.",
                f"Remove {folder} and run `python -m infra.embedded.fetch`.",
            )
    return [folder / jar.name for jar in wanted()]


def _parse(text: str) -> Iterator[Jar]:
    for line in text.splitlines():
        sha256, path = line.split()
        yield Jar(path, sha256)
