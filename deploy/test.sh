#!/usr/bin/env bash
# The tests with servers. Three lanes side by side, since each of them waits for half of its time; then, alone, those
# that put an installation under load.
set -uo pipefail
cd "$(dirname "$0")/.."

WITH_SERVERS="servers or opensearch"
LOAD=tests/faults/test_scenarios.py
OTHERS=(tests/commands tests/conformance tests/infra tests/projections)
# Those that start processes of their own, and so have little use of what the first lane has started.
STARTING=(tests/faults)
for name in idempotency immediate_effect import_kills key_rotation limits merge_races opensearch operations replica \
    restore second_factor slow_clients smtp tenants up; do
    STARTING+=("tests/acceptance/test_$name.py")
done

said=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$said"' EXIT

lane() {  # NAME WHAT..., in the background
    local name=$1
    shift
    .venv/bin/python -m pytest "$@" -m "$WITH_SERVERS" >"$said/$name" 2>&1 &
}

lane others "${OTHERS[@]}"
others=$!
lane starting "${STARTING[@]}" --ignore "$LOAD"
starting=$!
.venv/bin/python -m pytest tests -m "$WITH_SERVERS" --ignore "$LOAD" "${OTHERS[@]/#/--ignore=}" "${STARTING[@]/#/--ignore=}"
failed=$?
for name in starting others; do
    wait "${!name}" || failed=1
    cat "$said/$name"
done
((failed == 0)) || exit 1
.venv/bin/python -m pytest "$LOAD" -m "$WITH_SERVERS"
