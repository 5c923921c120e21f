#!/usr/bin/env bash
# The tests with servers. Two halves side by side, since each of them waits for half of its time; then, alone, those
# that put an installation under load.
set -uo pipefail
cd "$(dirname "$0")/.."

WITH_SERVERS="servers or opensearch"
beside=$(mktemp)
trap 'kill %1 2>/dev/null; rm -f "$beside"' EXIT

# Two of the acceptance tests take so long that they go with the other half.
LONG=(tests/acceptance/test_opensearch.py tests/acceptance/test_restore.py)
OTHERS=(tests/commands tests/conformance tests/infra tests/projections "${LONG[@]}")
.venv/bin/python -m pytest "${OTHERS[@]}" -m "$WITH_SERVERS" >"$beside" 2>&1 &
.venv/bin/python -m pytest tests -m "$WITH_SERVERS" --ignore tests/faults "${OTHERS[@]/#/--ignore=}"
first=$?
wait %1
others=$?
cat "$beside"
((first == 0 && others == 0)) || exit 1
.venv/bin/python -m pytest tests/faults -m "$WITH_SERVERS"
