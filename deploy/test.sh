#!/usr/bin/env bash
# The tests with servers. Three lanes side by side, since each of them waits for half of its time, and each goes on with
# what is left of the others' (tests/lanes.py); then, alone, those that put an installation under load.
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
FIRST=(tests/api)
for file in tests/acceptance/test_*.py; do
    [[ " ${STARTING[*]} " == *" $file "* ]] || FIRST+=("$file")
done

said=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$said"' EXIT
mkdir "$said/taken" "$said/words"
lane() {  # WHAT..., which it begins with
    exec .venv/bin/python -m pytest tests -m "$WITH_SERVERS" --ignore "$LOAD" \
        -p tests.lanes --lanes "$said/taken" "${@/#/--first=}" 2>&1
}

ended() {  # CODE: 1 is that tests failed; whatever is beyond that is no matter of single tests
    (($1 <= 1)) || exit 1
    failed=$((failed | $1))
}

lane "${OTHERS[@]}" >"$said/words/others" &
others=$!
lane "${STARTING[@]}" >"$said/words/starting" &
starting=$!
failed=0
lane "${FIRST[@]}" | tee "$said/words/first"
ended "$?"
for name in starting others; do
    wait "${!name}"
    code=$?
    cat "$said/words/$name"
    ended "$code"
done

if ((failed)); then
    # Three lanes on two cores make the machine busy. What fails by itself too has failed; so have more than a few at once.
    mapfile -t failing < <(cat "$said"/words/* | sed -nE 's/^(FAILED|ERROR) //p' | sed 's/ - .*//' | sort -u)
    printf 'failed beside the others, and run again alone: %s\n' "${failing[@]}"
    ((${#failing[@]} >= 1 && ${#failing[@]} <= 3)) || exit 1
    .venv/bin/python -m pytest "${failing[@]}" || exit 1
fi
.venv/bin/python -m pytest "$LOAD" -m "$WITH_SERVERS"
