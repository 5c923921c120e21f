"""What a start gives: servers that work, on loopback only, with passwords, and data that stays."""

import json
import socket
import stat
import time
from pathlib import Path
from typing import Any

import nats
import psycopg
import pytest
import valkey
from nats.js.api import StreamConfig

from infra.embedded.client import ServerName, start
from tests.infra.embedded.processes import FAST
from tests.waiting import PATIENCE


def query(dsn: str | None, sql: str) -> list[tuple[Any, ...]]:
    assert dsn
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def test_three_servers_are_up_and_the_second_time_what_the_first_made_is_taken(tmp_path: Path) -> None:
    """0.9 s alone on the machine and then 0.2 s, since the second time no database is made; on a busy one, 4 s."""
    made = []
    for _ in range(2):
        begun = time.monotonic()
        embedded = start(tmp_path / "data", FAST)
        made.append((tmp_path / "data/postgres/PG_VERSION").stat())
        embedded.stop()
        embedded.stop()  # twice does no harm
        assert time.monotonic() - begun < PATIENCE
    first, second = made
    assert (first.st_ino, first.st_mtime_ns) == (second.st_ino, second.st_mtime_ns)


async def test_data_and_urls_but_for_the_port_survive_a_restart(data: Path) -> None:
    passwords = []
    for expected in (1, 2):
        with start(data, FAST) as embedded:
            ends = embedded.endpoints
            passwords.append([url.split("@")[0] for url in (ends.postgres_admin, ends.nats, ends.valkey) if url])
            query(ends.postgres_admin, "create table if not exists kept (number int)")
            query(ends.postgres_admin, "insert into kept values (1)")
            assert query(ends.postgres_admin, "select count(*) from kept") == [(expected,)]
            client = await nats.connect(ends.nats or "")
            streams = client.jetstream()
            await streams.add_stream(StreamConfig(name="kept", subjects=["kept"]))
            await streams.publish("kept", b"x")
            assert (await streams.stream_info("kept")).state.messages == expected
            await client.close()
    assert passwords[0] == passwords[1]


def test_postgres_has_the_settings_that_the_event_store_counts_on(data: Path) -> None:
    with start(data, ["postgres"]) as embedded:
        dsn = embedded.endpoints.postgres_admin
        names = {
            "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "data_checksums": "on",
            "wal_level": "replica", "max_connections": "200", "jit": "off", "TimeZone": "UTC",
            "password_encryption": "scram-sha-256", "server_encoding": "UTF8", "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "", "wal_compression": "pglz",
        }  # fmt: skip
        found = query(dsn, "select name, setting from pg_settings")
        assert {name: dict(found)[name] for name in names} == names
        locale = "select datlocprovider, datlocale from pg_database where datname = 'postgres'"
        assert query(dsn, locale) == [("b", "C.UTF-8")]
        assert query(dsn, "select lower('ÄÉ')") == [("äé",)]
        # Under lc_ctype C, trigrams have no letters but ASCII's.
        query(dsn, "create extension pg_trgm")
        assert query(dsn, "select similarity('Müller', 'Möller') < 1, similarity('Жук', 'Жуков') > 0") == [(True, True)]


def test_every_server_listens_on_loopback_only_and_wants_its_password(data: Path) -> None:
    with start(data, FAST) as embedded:
        ends = embedded.endpoints
        for url in (ends.postgres_admin, ends.nats, ends.valkey):
            assert listening_on(port_of(url)) == {"0100007F"}
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(f"postgresql://postgres:wrong@127.0.0.1:{port_of(ends.postgres_admin)}/postgres")
        with pytest.raises(valkey.AuthenticationError), valkey.Valkey(port=port_of(ends.valkey)) as client:
            client.ping()
        with valkey.Valkey.from_url(ends.valkey or "") as client:
            client.set("key", "value")
            assert client.config_get("save")["save"] == ""
            assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"


def test_nats_refuses_a_wrong_password(tmp_path: Path) -> None:
    with start(tmp_path / "data", ["nats"]) as embedded:
        address = ("127.0.0.1", port_of(embedded.endpoints.nats))
        with socket.create_connection(address, timeout=PATIENCE) as connection, connection.makefile("rb") as lines:
            assert lines.readline().startswith(b"INFO ")
            connection.sendall(b'CONNECT {"user": "rapport", "pass": "wrong"}\r\nPING\r\n')
            assert b"Authorization Violation" in lines.readline()


def test_passwords_are_in_closed_files_and_on_no_command_line(data: Path) -> None:
    with start(data, FAST) as embedded:
        secrets = data / "secrets/servers.json"
        passwords = json.loads(secrets.read_text())
        assert set(passwords) == set(FAST)
        for path in (secrets, data / "nats/nats.conf", data / "valkey/valkey.conf"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        for path in (data / "logs").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        for pid in [*embedded.pids().values(), embedded.supervisor_pid]:
            shown = Path(f"/proc/{pid}/cmdline").read_text() + Path(f"/proc/{pid}/environ").read_text()
            assert not [password for password in passwords.values() if password in shown]


def test_lost_secrets_are_made_anew_and_the_data_stays_within_reach(data: Path) -> None:
    with start(data, ["postgres"]) as embedded:
        query(embedded.endpoints.postgres_admin, "create table kept as select 7 as number")
        old = embedded.endpoints.postgres_admin
    (data / "secrets/servers.json").unlink()
    with start(data, ["postgres"]) as embedded:
        assert (embedded.endpoints.postgres_admin or "").split("@")[0] != (old or "").split("@")[0]
        assert query(embedded.endpoints.postgres_admin, "select number from kept") == [(7,)]


def test_ports_are_as_set_and_two_instances_do_not_meet(tmp_path: Path) -> None:
    names: tuple[ServerName, ...] = ("nats", "valkey")
    with start(tmp_path / "one", names) as one, start(tmp_path / "two", names) as two:
        ports = [port_of(url) for e in (one, two) for url in (e.endpoints.nats, e.endpoints.valkey)]
        assert len(set(ports)) == 4
    with start(tmp_path / "one", ["valkey"], ports={"valkey": ports[3]}) as again:
        assert port_of(again.endpoints.valkey) == ports[3]


def test_a_data_folder_may_have_a_long_and_strange_name(tmp_path: Path) -> None:
    data = tmp_path / ("deep " * 12) / 'it\'s "a" $HOME {x} #ü' / "data"
    with start(data, FAST) as embedded:
        assert query(embedded.endpoints.postgres_admin, "select 1") == [(1,)]


def port_of(url: str | None) -> int:
    return int((url or "").rpartition(":")[2].split("/")[0])


def listening_on(port: int) -> set[str]:
    """The addresses, as the kernel writes them, of all sockets that listen on the port."""
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()]
    found = [words[1].split(":") for words in lines if words[3] == "0A"]
    return {address for address, number in found if int(number, 16) == port}
