#!/bin/bash
# Makes the pictures in docs/screenshots anew: contrib/screenshots.sh [SCENE...]
#
# As root: they show real programs on hosts in network namespaces, as contrib/demo.sh does.
set -euo pipefail
cd "$(dirname "$0")/.."
. contrib/prepare.sh

[ "$(id -u)" -eq 0 ] || fail "the laboratory needs root"
prepare_packages
prepare_venv
exec .venv/bin/python -m tests.lab.screenshots "$@"
