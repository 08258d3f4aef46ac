"""A user's desktop session in the lab: a bus with a real gnome-keyring, without a screen."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from tests.lab.client import Client
from tests.lab.conftest import Pair
from tests.lab.host import Completed
from tests.lab.lab import Lab
from tests.lab.waiting import eventually

RUNTIME = "/run/user/0"
DAEMON = "gnome-keyring-d"
START = "printf %s testpw | gnome-keyring-daemon --unlock --replace --components=secrets"

# Makes a session with an unlocked keyring around a script; printf, because echo's line feed would
# become part of the password.
SESSION = f"""
mkdir -p -m 700 {RUNTIME}
export XDG_RUNTIME_DIR={RUNTIME}
exec dbus-run-session -- bash -ec '
  eval "$(printf %s testpw | gnome-keyring-daemon --unlock --components=secrets 2>/dev/null)"
  eval "$1"
' keyring "$1"
"""
_CALL = "dbus-send --session --print-reply --dest=org.freedesktop.secrets"
LOCK = (
    f"{_CALL} /org/freedesktop/secrets org.freedesktop.Secret.Service.Lock "
    "array:objpath:/org/freedesktop/secrets/aliases/default >/dev/null"
)
DELETE_ITEMS = (
    f"{_CALL} /org/freedesktop/secrets org.freedesktop.Secret.Service.SearchItems "
    "dict:string:string:service,sshknock | grep -o '/org/[^\"]*/login/[0-9]*' | "
    f"while read -r item; do {_CALL} $item org.freedesktop.Secret.Item.Delete; done >/dev/null"
)
"""What a user does in their password manager."""


def in_session(laptop: Client, script: str, *, check: bool = True) -> Completed:
    """Run a script where the user's keyring is there and unlocked."""
    return laptop.run(["bash", "-ec", SESSION, "session", script], check=check, timeout_s=60)


@dataclass(frozen=True, slots=True)
class Desk:
    """A user's session with a keyring, whose daemon can be killed and started again."""

    pair: Pair
    bus: Mapping[str, str]

    @property
    def laptop(self) -> Client:
        """The user's machine."""
        return self.pair.laptop

    def daemon(self) -> int:
        """Return the keyring's process."""
        (pid,) = self.laptop.processes(DAEMON)
        return pid

    def start_daemon(self) -> None:
        """Start the keyring, unlocked, in place of one that may be there."""
        self.laptop.run(["sh", "-c", f"{START} >/dev/null 2>&1"], env=self.bus)
        eventually(lambda: self.run(*("sshknock", "status")).code == 0, "the keyring answers")

    def run(
        self, *argv: str, check: bool = False, env: Mapping[str, str] | None = None
    ) -> Completed:
        """Run a program of the user's session, or with another environment."""
        return self.laptop.run(
            argv, env=self.bus if env is None else env, check=check, timeout_s=60
        )

    def ssh(self, *options: str) -> Completed:
        """Log in."""
        return self.run("ssh", "-o", "BatchMode=yes", *options, "myserver", "echo in")

    def enroll(self, token: str) -> None:
        """Pair, with the system's keyring."""
        self.laptop.put("/run/home/root/token", token, 0o600)
        self.run("sshknock", "enroll", "myserver", "--token-file", "token", check=True)
        self.run("sshknock", "ssh-config", "myserver", "--write", check=True)

    def in_again(self) -> None:
        """One plain ssh works, and then both sides are at the same counter."""
        done = self.ssh()
        assert (done.code, done.stdout) == (0, "in\n"), done
        self.in_step()

    def in_step(self) -> None:
        """Hold that both sides are at the same counter."""
        shown = self.run("sshknock", "status", "--json", check=True).stdout
        confirmed = json.loads(shown)["pairings"][0]["confirmed"]
        assert self.pair.server.pairing("laptop")["next"] == confirmed + 1


@contextmanager
def sit_down(lab: Lab, *options: str) -> Iterator[Desk]:
    """Begin a session on a laptop that is enrolled with the system's keyring."""
    server, laptop = lab.server(), lab.client()
    server.init(*options)
    laptop.trust(server, "myserver")
    script = "echo $DBUS_SESSION_BUS_ADDRESS; cat"
    session = ["bash", "-ec", SESSION, "session", script]
    with laptop.popen(session, stdin=subprocess.PIPE) as running:
        bus = {"DBUS_SESSION_BUS_ADDRESS": running.line().strip(), "XDG_RUNTIME_DIR": RUNTIME}
        desk = Desk(Pair(lab, server, laptop), bus)
        desk.enroll(server.pair("laptop"))
        yield desk
