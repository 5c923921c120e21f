#!/usr/bin/env bash
# The tests with servers. Two halves side by side, since each of them waits for half of its time; then, alone, those
# that put an installation under load.
set -uo pipefail
cd "$(dirname "$0")/.."

WITH_SERVERS="servers or opensearch"
beside=$(mktemp)
trap 'kill %1 2>/dev/null; rm -f "$beside"' EXIT

FIRST=(tests/acceptance tests/infra/embedded)
.venv/bin/python -m pytest tests -m "$WITH_SERVERS" --ignore tests/faults "${FIRST[@]/#/--ignore=}" >"$beside" 2>&1 &
.venv/bin/python -m pytest "${FIRST[@]}" -m "$WITH_SERVERS"
first=$?
wait %1
others=$?
cat "$beside"
((first == 0 && others == 0)) || exit 1
.venv/bin/python -m pytest tests/faults -m "$WITH_SERVERS"
