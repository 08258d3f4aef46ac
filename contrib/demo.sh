#!/bin/bash
# Shows what sshknock does, with real programs on hosts that exist only while it runs.
#
#   contrib/demo.sh [--paper] [--keep]
#
# --paper plays section III of the paper instead, with its own programs (nmap, knock, a stock knockd), on
# a server of ours and on one as the paper has it; docs/paper.md tells the rest. It takes a minute.
# --keep leaves the hosts up at the end, to look around. Needs root, for the network namespaces; starts
# no service of the machine and touches neither its network nor its firewall.
set -euo pipefail
cd "$(dirname "$0")/.."
. contrib/prepare.sh

[ "$(id -u)" -eq 0 ] || fail "needs root, for network namespaces: sudo $0 $*"
prepare_packages
prepare_venv
PATH=$PATH:/usr/sbin:/sbin
exec .venv/bin/python -m tests.lab.demo "$@"
