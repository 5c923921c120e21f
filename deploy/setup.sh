#!/usr/bin/env bash
# Makes .venv with everything that requirements.lock pins. Works again without network once its downloads are cached.
set -euo pipefail
cd "$(dirname "$0")/.."

UV_VERSION=0.13.9
python=${PYTHON:-python3}
cache=${RAPPORT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rapport}
stamp=.venv/.rapport-setup
wanted=$(cat requirements.lock pyproject.toml deploy/setup.sh | sha256sum | cut -d' ' -f1)-$(pwd | sha256sum | cut -c1-12)
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && exit 0

fail() { printf 'setup: %s\n' "$1" >&2; exit 1; }

command -v "$python" >/dev/null || fail "no $python found. Install Python 3.11 or newer (Debian: apt-get install python3-venv)."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old. Set PYTHON to a Python 3.11 or newer."

echo "setup: installing into .venv (the first time takes a minute) ..."
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian splits venv off; as root it can be had, else somebody has to be asked.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        { apt-get install -y -qq python3-venv || { apt-get update -qq && apt-get install -y -qq python3-venv; }; } >/dev/null ||
            fail "could not install python3-venv; install it, then run again."
    else
        fail "this Python has no venv module. Install it (Debian: sudo apt-get install python3-venv), then run again."
    fi
fi
[ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null || "$python" -m venv --clear .venv

# uv installs the same pins in seconds; its wheel is kept beside the other downloads so that it is there offline.
uv=.venv/bin/uv
if [ "$($uv --version 2>/dev/null | cut -d' ' -f2)" != "$UV_VERSION" ]; then
    wheels=$cache/wheels
    mkdir -p "$wheels" 2>/dev/null || fail "the cache folder $cache can't be written; set RAPPORT_CACHE to one that can."
    grep -A20 "^uv==$UV_VERSION" deploy/uv.lock.txt > .venv/uv.txt
    pip="$PWD/.venv/bin/python -m pip --disable-pip-version-check -q"
    $pip install --no-index --find-links "$wheels" --require-hashes -r .venv/uv.txt 2>/dev/null ||
        { $pip download --no-deps --require-hashes -d "$wheels" -r .venv/uv.txt &&
          $pip install --no-index --find-links "$wheels" --require-hashes -r .venv/uv.txt; } ||
        fail "the installer uv $UV_VERSION is neither cached in $wheels nor to be had from the package index. Check the network and run again."
fi

install() { "$uv" pip "$@" --python .venv/bin/python; }
export UV_NO_PROGRESS=1
index=$(.venv/bin/python -m pip config get global.index-url 2>/dev/null || true)
[ -n "${PIP_INDEX_URL:-$index}" ] && export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-$index}}"
install install -q --offline --require-hashes -r requirements.lock 2>/dev/null ||
    install install -q --require-hashes -r requirements.lock ||
    .venv/bin/python -m pip --disable-pip-version-check install -q --require-hashes -r requirements.lock ||
    fail "the packages of requirements.lock are neither cached nor to be had from the package index. Check the network and run again."
install install -q --offline --no-build-isolation --no-deps -e . || fail "could not install this checkout into .venv."
# Containers like to forbid Python to keep bytecode: each process of each start would compile everything again.
env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -c '
import importlib, pkgutil
for package in ("api", "commands", "domain", "infra", "projections"):
    for module in pkgutil.walk_packages([package], f"{package}."):
        importlib.import_module(module.name)
importlib.import_module("bootstrap")
' || fail "what was installed into .venv does not load."
echo "$wanted" > "$stamp"
echo "setup: done."
