#!/usr/bin/env bash
# The tests with servers. Two halves side by side, since each of them waits for half of its time; then, alone, those
# that put an installation under load.
set -uo pipefail
cd "$(dirname "$0")/.."

WITH_SERVERS="servers or opensearch"
beside=$(mktemp)
trap 'kill %1 2>/dev/null; rm -f "$beside"' EXIT

.venv/bin/python -m pytest tests -m "$WITH_SERVERS" --ignore tests/acceptance --ignore tests/faults >"$beside" 2>&1 &
.venv/bin/python -m pytest tests/acceptance -m "$WITH_SERVERS"
acceptance=$?
wait %1
others=$?
cat "$beside"
((acceptance == 0 && others == 0)) || exit 1
.venv/bin/python -m pytest tests/faults -m "$WITH_SERVERS"
