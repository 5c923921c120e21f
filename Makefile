# Every target does the set-up it needs; nothing has to be installed by hand before.
.PHONY: setup run test check faults bench lock clean
.DEFAULT_GOAL := help

help:
	@echo "make run    start everything with demo data (Ctrl-C stops it)"
	@echo "make test   all that CI runs"
	@echo "make check  lint, types, layers and the fast tests (under a minute)"
	@echo "make faults every fault of docs/faults.md, under load (some minutes; RAPPORT_FAULT_SEED=n repeats a run)"
	@echo "make bench  the benchmarks, as a table"
	@echo "make setup  only make .venv (with the command .venv/bin/rapport)"

setup:
	@bash deploy/setup.sh

run: setup
	@exec .venv/bin/rapport up

# The fast tests have run by then; those with servers are all the others.
test: check
	@bash deploy/test.sh

check: setup
	@bash deploy/check.sh

faults: setup
	@.venv/bin/python -m tests.faults

bench: setup
	@.venv/bin/python -m bench

lock: setup
	@.venv/bin/uv pip compile -q --universal --generate-hashes --python-version 3.11 --all-extras --no-header --no-annotate pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .data
