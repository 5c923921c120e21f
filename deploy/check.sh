#!/usr/bin/env bash
# Lint, types, layers and the fast tests; types and layers beside the tests.
set -uo pipefail
cd "$(dirname "$0")/.."

.venv/bin/ruff check . && .venv/bin/ruff format --check . || exit 1
said=$(mktemp)
trap 'kill $(jobs -p) 2>/dev/null; rm -f "$said"' EXIT
{ .venv/bin/mypy && .venv/bin/lint-imports --no-cache; } >"$said" 2>&1 &
.venv/bin/python -m pytest tests -m "not servers and not opensearch"
failed=$?
wait $! || failed=1
cat "$said"
exit "$failed"
