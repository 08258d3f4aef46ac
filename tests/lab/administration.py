"""What an administrator does to a server and sees of it, and what they would rather not."""

from __future__ import annotations

import shutil

from tests.lab.conftest import Pair
from tests.lab.faults_victims import kill
from tests.lab.server import Server
from tests.lab.waiting import eventually


def kill_all_of_ours(server: Server) -> None:
    """SIGKILL to knockd, the supervisor and every hook, until there is none."""

    def ours() -> list[int]:
        lines = server.processes().items()
        return [pid for pid, line in lines if "sshknock" in line or "knockd" in line]

    eventually(lambda: not kill(ours()), "none of our processes is left")


def reboot(server: Server) -> None:
    """Let nothing of ours run, the kernel and /run forget everything; then do as the units do."""
    kill_all_of_ours(server)
    server.run(["nft", "flush", "ruleset"])
    shutil.rmtree(server.path("/run/sshknock"))
    server.sshknock("reconcile")


def is_visible(pair: Pair) -> bool:
    """Whether a connection without a knock gets through."""
    return pair.laptop.connects(pair.server.ipv4) == "open"


def say(server: Server, *arguments: str) -> str:
    """Run the administrator's program; what it says."""
    return server.sshknock(*arguments).stdout


def logged(server: Server, event: str) -> bool:
    """Whether the log has such an event."""
    return any(f"  {event}  " in line for line in say(server, "log").splitlines())


def books(server: Server, statement: str, *values: int) -> str:
    """Read or change the books behind the server's back; what is found, as text."""
    program = (
        "import sqlite3, sys\n"
        "with sqlite3.connect('/var/lib/sshknock/state.db') as db:\n"
        "    print(db.execute(sys.argv[1], list(map(int, sys.argv[2:]))).fetchall())\n"
    )
    python = ["/usr/bin/python3", "-ISc", program, statement]
    return server.run([*python, *map(str, values)]).stdout
