"""The client's state in a real Secret Service: gnome-keyring on a bus of its own."""

from __future__ import annotations

import pytest

from tests.lab import Client, Completed, Lab
from tests.lab.conftest import Pair

pytestmark = pytest.mark.lab

# Makes a session with an unlocked keyring around a script; printf, because echo's line feed would
# become part of the password.
SESSION = """
mkdir -p -m 700 /run/user/0
export XDG_RUNTIME_DIR=/run/user/0
exec dbus-run-session -- bash -ec '
  eval "$(printf %s testpw | gnome-keyring-daemon --unlock --components=secrets 2>/dev/null)"
  eval "$1"
' keyring "$1"
"""
LOCK = (
    "dbus-send --session --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets "
    "org.freedesktop.Secret.Service.Lock "
    "array:objpath:/org/freedesktop/secrets/aliases/default >/dev/null"
)


def in_session(laptop: Client, script: str, *, check: bool = True) -> Completed:
    """Run a script where the user's keyring is there and unlocked."""
    return laptop.run(["bash", "-ec", SESSION, "session", script], check=check, timeout_s=60)


@pytest.fixture
def pair(lab: Lab) -> Pair:
    """A laptop with a token that nobody has enrolled yet."""
    server, laptop = lab.server(), lab.client()
    server.init()
    laptop.put("/run/home/root/token", server.pair("laptop"), 0o600)
    laptop.trust(server, "myserver")
    return Pair(lab, server, laptop)


def test_logins_with_the_state_in_a_real_gnome_keyring(pair: Pair) -> None:
    """Enrolment stores it there, every login moves it on, and nothing secret is in a file."""
    script = (
        "sshknock enroll myserver --token-file token; rm token; "
        "sshknock ssh-config myserver --write; "
        "for n in 1 2 3; do ssh -o BatchMode=yes myserver echo login $n; done; "
        "sshknock status --json"
    )
    done = in_session(pair.laptop, script)
    assert "\nlogin 1\nlogin 2\nlogin 3\n" in done.stdout, done
    assert pair.server.pairing("laptop")["next"] == 3
    home = pair.laptop.path("/run/home/root")
    stored = [str(path.relative_to(home)) for path in home.rglob("*sshknock*") if path.is_file()]
    assert not any("keyring" in name for name in stored), stored


def test_without_any_keyring_the_user_is_told_what_to_do(pair: Pair) -> None:
    """No bus: exit 4, and the hint names `--keyring file`."""
    done = pair.laptop.sshknock("enroll", "myserver", "--token-file", "token", check=False)
    assert done.code == 4, done
    assert "sshknock: hint: " in done.stderr
    assert "--keyring file" in done.stderr


def test_a_locked_keyring_is_said_and_does_not_hang(pair: Pair) -> None:
    """A login with a keyring that nobody can unlock here ends with a clear message, in time."""
    script = (
        "sshknock enroll myserver --token-file token; "
        "sshknock ssh-config myserver --write; "
        f"{LOCK}; "
        f"timeout 20 sshknock-proxy {pair.server.ipv4} 22 && exit 1; echo exit $?"
    )
    done = in_session(pair.laptop, script)
    assert "exit 4" in done.stdout, done
    assert "locked" in done.stderr, done
    assert pair.server.pairing("laptop")["next"] == 0
