"""What the command says when it can't go on: one sentence, and never a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap
from api.cli import main as command_line
from infra.tools import Tools

ROOT = Path(__file__).parents[1]


def rapport(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`rapport` with some words and no settings but these."""
    command = [sys.executable, "-m", "bootstrap", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_a_secret_that_was_cut_off_is_told_with_its_file(tmp_path: Path) -> None:
    file = tmp_path / "secrets" / "root"
    file.parent.mkdir()
    file.write_text("cut off")
    dsn = "postgresql://127.0.0.1:1/nowhere"
    said = rapport("tenant", "list", RAPPORT_DATA=str(tmp_path), RAPPORT_POSTGRES_DSN=dsn)
    assert said.returncode == 1
    assert said.stderr.startswith(f"rapport: {file} holds no secret")
    assert "Traceback" not in said.stderr


def test_migrate_without_a_database_names_the_setting_that_is_missing(tmp_path: Path) -> None:
    said = rapport("migrate", RAPPORT_DATA=str(tmp_path))
    assert said.returncode == 1
    assert said.stderr.startswith("rapport: RAPPORT_POSTGRES_DSN is not set\n")


def test_a_command_that_is_interrupted_before_it_has_begun_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_tools: Tools, _words: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "run", interrupted)
    with pytest.raises(SystemExit) as ended:
        bootstrap.main(["tenant", "list"])
    assert ended.value.code == bootstrap.INTERRUPTED
    assert capsys.readouterr().err == ""
