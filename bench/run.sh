#!/bin/bash
# Runs a benchmark, on a machine that it gets ready first: bench/run.sh generate|keyring|links|login|fleet [ARGUMENTS]
#
# As root. What it installs (fwknop, to compare with) is neither started nor enabled.
set -euo pipefail
cd "$(dirname "$0")/.."
. contrib/prepare.sh

programs+="
fwknop    fwknop-client
fwknopd   fwknop-server
iptables  iptables
"
benchmark=${1-}
[ -f "bench/${benchmark:-?}.py" ] || fail "which benchmark? generate, keyring, links, login or fleet"
[ "$(id -u)" -eq 0 ] || fail "the laboratory needs root"
prepare_packages
prepare_venv
exec .venv/bin/python -m "bench.$benchmark" "${@:2}"
