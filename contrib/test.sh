#!/bin/bash
# Checks everything: lint, types, the direction of imports, tests. Stops at the first that fails.
#
#   contrib/test.sh [--all] [PYTEST ARGUMENTS]
#
# Without --all the tests marked "long" are left out. The laboratory's tests need root, and are skipped
# without it; they run in network namespaces and touch neither the network nor the files of the machine.
set -euo pipefail
cd "$(dirname "$0")/.."
. contrib/prepare.sh

tier=(-m "not long")
if [ "${1-}" = --all ]; then
    tier=()
    shift
fi

prepare_packages
prepare_venv
PATH=$PWD/.venv/bin:$PATH:/usr/sbin:/sbin

say "ruff check" && ruff check --quiet
say "ruff format" && ruff format --quiet --check
say "mypy" && mypy
say "import-linter" && lint-imports
# The laboratory's tests mostly wait: three at a time, each with hosts of its own.
say "pytest"
exec python -m pytest -n 3 --dist worksteal "${tier[@]}" "$@"
