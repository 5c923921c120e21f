"""What stands in documents and example files agrees with the code."""

import ast
import importlib.metadata
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.http.problems import STATUSES
from settings import from_environment

ROOT = Path(__file__).parents[1]
CODE = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
SERVERS = {"postgres", "nats", "valkey", "opensearch"}
ROLES = {"migrate", "api", "relay", "projector", "worker"}
OPTIONS_OF_UP = {"--roles", "--port", "--no-demo", "--no-migrate"}


# docs/errors.md


def test_every_code_of_an_answer_is_explained_with_its_status() -> None:
    assert {row[0]: int(row[1]) for row in table("## Codes of answers")} == STATUSES


def test_every_code_of_a_field_is_explained_and_no_other() -> None:
    assert {row[0] for row in table("## Codes of fields")} == field_codes() - STATUSES.keys()


def test_every_code_has_a_meaning_and_a_cure() -> None:
    for row in (*table("## Codes of answers"), *table("## Codes of fields")):
        assert all(cell.endswith((".", "`")) for cell in row[-2:]), row


def test_codes_stand_in_order_so_that_they_are_found() -> None:
    for heading in ("## Codes of answers", "## Codes of fields"):
        codes = [row[0] for row in table(heading)]
        assert codes == sorted(set(codes))


def test_every_refusal_in_the_code_has_a_status() -> None:
    raised = {code for call in calls("DomainError") if (code := constant(call.args[0])) and CODE.fullmatch(code)}
    assert "permission.missing" in raised
    assert raised <= STATUSES.keys()


# docs/adr


def test_every_decision_is_in_the_index_and_every_link_leads_somewhere() -> None:
    folder = ROOT / "docs/adr"
    linked = re.findall(r"\]\(([^)]+)\)", (folder / "README.md").read_text())
    assert sorted(linked) == sorted(file.name for file in folder.glob("0*.md"))


@pytest.mark.parametrize("part", ["## Context", "## Decision", "## Rejected", "## Measured"])
def test_every_decision_has_its_parts(part: str) -> None:
    for file in (ROOT / "docs/adr").glob("0*.md"):
        assert f"\n{part}" in file.read_text(), file.name


# compose.yaml


def test_every_role_and_every_server_is_a_service() -> None:
    assert compose()["services"].keys() == SERVERS | ROLES


def test_only_the_api_can_be_reached_from_outside() -> None:
    services = compose()["services"]
    assert {name for name, service in services.items() if "ports" in service} == {"api"}
    assert {name for name, service in services.items() if "outside" in service["networks"]} == {"api"}
    assert compose()["networks"]["servers"] == {"internal": True}


def test_every_service_is_limited_and_comes_back_and_servers_tell_their_health() -> None:
    for name, service in compose()["services"].items():
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
        assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
        assert "healthcheck" in service or name not in SERVERS | {"api"}


def test_no_secret_stands_in_the_file_and_none_has_a_default() -> None:
    text = (ROOT / "compose.yaml").read_text()
    variables = set(re.findall(r"\$\{(\w+)(:\?[^}]+|[^}]*)\}", text))
    assert {name for name, rest in variables if not rest.startswith(":?")} == {"RAPPORT_PORT"}
    for service in compose()["services"].values():
        for name, value in (service.get("environment") or {}).items():
            assert value.startswith("${") or not re.search("PASSWORD|SECRET|AUTH", name)


def test_only_the_migration_knows_the_password_of_the_database() -> None:
    services = compose()["services"]
    knowing = {name for name, service in services.items() if "POSTGRES_PASSWORD" in str(service)}
    assert knowing == {"postgres", "migrate"}


def test_roles_wait_for_the_migration_and_run_with_options_that_exist() -> None:
    source = (ROOT / "api/cli/main.py").read_text()
    for name in ROLES - {"migrate"}:
        service = compose()["services"][name]
        assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert service["command"][0] == "up"
        options = {word for word in service["command"] if word.startswith("--")}
        assert options <= OPTIONS_OF_UP
        assert all(
            re.search(rf"\b{option.removeprefix('--').removeprefix('no-')}: Annotated", source) for option in options
        )
        settings = from_environment(service["environment"])
        assert settings.postgres_dsn
        assert settings.nats_url
        assert settings.valkey_url
        assert settings.opensearch_url


# deploy/Dockerfile


def test_the_image_runs_as_a_user_without_rights() -> None:
    last = (ROOT / "deploy/Dockerfile").read_text().rpartition("\nFROM ")[2]
    assert re.search(r"^USER rapport$", last, re.MULTILINE)
    assert "--require-hashes" in (ROOT / "deploy/Dockerfile").read_text()


def test_the_image_leaves_out_what_is_pinned_for_other_ends_and_nothing_that_it_needs() -> None:
    left_out = re.findall(r'LEFT_OUT="([^"]+)"', (ROOT / "deploy/Dockerfile").read_text())[0].replace("\\", " ").split()
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert set(left_out) <= set(pinned)
    assert not set(left_out) & needed("rapport")


def test_the_image_copies_every_folder_of_the_code() -> None:
    text = (ROOT / "deploy/Dockerfile").read_text()
    for name in ("domain", "commands", "projections", "api", "infra"):
        assert f"\nCOPY {name} {name}\n" in text
    assert "bootstrap.py settings.py" in text


def table(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without the code's backquotes in the first one."""
    part = (ROOT / "docs/errors.md").read_text().partition(f"\n{heading}")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("| `")]
    return [[row[0].strip(" `"), *(cell.strip() for cell in row[1:])] for row in rows]


def calls(*names: str) -> Iterator[ast.Call]:
    """Calls of functions with these names on the way of an HTTP request; the command line has no statuses."""
    for folder in ("commands", "projections", "api/http", "domain"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                    called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                    if called in names and node.args:
                        yield node


def constant(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def field_codes() -> set[str]:
    """Codes that are given to a field: in calls, and as values in the reader of bodies and queries."""
    given = [constant(call.args[1]) for call in calls("add", "FieldError") if len(call.args) == 3]
    reader = ast.parse((ROOT / "api/http/reading.py").read_text())
    told = [constant(node) for node in ast.walk(reader) if isinstance(node, ast.Constant)]
    refused = [constant(call.args[0]) for call in calls("UnfitError")]
    return {code for code in (*given, *told, *refused) if code and CODE.fullmatch(code)}


def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return parsed


def needed(distribution: str) -> set[str]:
    """Everything that a distribution needs to run, extras apart, by normal name."""
    found: set[str] = set()
    waiting: list[str] = [distribution]
    while waiting:
        for name in requirements(waiting.pop()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def requirements(distribution: str) -> Iterable[str]:
    try:
        lines = importlib.metadata.requires(distribution) or []
    except importlib.metadata.PackageNotFoundError:  # for another platform
        return []
    plain = [line for line in lines if "extra ==" not in line]
    return [re.split(r"[\s\[;<>=!~(]", line, maxsplit=1)[0].lower().replace("_", "-") for line in plain]
