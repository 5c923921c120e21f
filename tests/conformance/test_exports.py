"""What every place of exports does."""

from pathlib import Path

import pytest

from infra.integrity.exports import Exports, FolderExports, MemoryExports


@pytest.fixture(params=["memory", "folder"])
def exports(request: pytest.FixtureRequest, tmp_path: Path) -> Exports:
    return MemoryExports() if request.param == "memory" else FolderExports(tmp_path / "not" / "there" / "yet")


def test_what_is_put_is_there(exports: Exports) -> None:
    exports.put("a/one", b"\0\xff")
    assert exports.get("a/one") == b"\0\xff"


def test_what_is_not_there_is_none(exports: Exports) -> None:
    assert exports.get("a/one") is None
    assert list(exports.names("a")) == []


def test_the_same_name_is_replaced(exports: Exports) -> None:
    exports.put("one", b"long before")
    exports.put("one", b"after")
    assert exports.get("one") == b"after"


def test_names_are_of_one_folder_and_in_order(exports: Exports) -> None:
    for name in ("a/2", "a/10", "a/1", "a/deeper/3", "b/4", "5"):
        exports.put(name, b"")
    assert list(exports.names("a")) == ["a/1", "a/10", "a/2"]


def test_an_object_may_be_empty(exports: Exports) -> None:
    exports.put("a/one", b"")
    assert exports.get("a/one") == b""
    assert list(exports.names("a")) == ["a/one"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    folder = FolderExports(tmp_path)
    folder.put("a/one", b"before")
    (tmp_path / "a" / "two").mkdir()
    with pytest.raises(OSError, match="two"):
        folder.put("a/two", b"a folder is in the way")
    assert folder.get("a/one") == b"before"
    assert list(folder.names("a")) == ["a/one"], "nothing half-written is seen"
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["one", "two"]
