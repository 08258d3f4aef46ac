"""Where the server keeps things."""

from __future__ import annotations

from pathlib import Path

ETC = Path("/etc/sshknock")
STATE = Path("/var/lib/sshknock")
RUN = Path("/run/sshknock")

CONFIG_FILE = ETC / "server.toml"
STORE_FILE = STATE / "state.db"
LOCK_FILE = STATE / "lock"
HOOK_AT_WORK = STATE / "hook-at-work.lock"
NEXT_HOOK = STATE / "next-hook.lock"
KNOCKD_RUN = RUN / "knockd"
HOOK_SOCKET = RUN / "hook.sock"
WATCH_PID = RUN / "watch.pid"

KNOCKD_CONF = Path("/etc/knockd.conf")
PAM_SSHD = Path("/etc/pam.d/sshd")
SAVED_RULESETS = (Path("/etc/nftables.conf"), Path("/etc/sysconfig/nftables.conf"))
SYSTEMD_UNITS = Path("/etc/systemd/system")
SYSTEMD_RUNNING = Path("/run/systemd/system")

PACKAGE = Path(__file__).resolve().parent.parent
HOOK_PROGRAM = PACKAGE / "server" / "hook.py"
