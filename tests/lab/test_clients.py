"""What the administrator does to a client: its counter, its doors, its secret."""

from __future__ import annotations

import json
import subprocess

import pytest

from sshknock.protocol.token import Token
from tests.lab import Client, Lab, Server, eventually
from tests.lab.conftest import Pair, make_pair

pytestmark = pytest.mark.lab


@pytest.fixture
def pair(lab: Lab) -> Pair:
    """A pair that has met once."""
    pair = make_pair(lab)
    pair.laptop.ssh("myserver", "true")
    pair.in_step()
    return pair


def rotate(server: Server) -> str:
    """Give the client `laptop` a new secret; its token."""
    server.sshknock("client", "rotate", "laptop", "--token-file", "new.token")
    token = server.read("/run/home/root/new.token")
    server.path("/run/home/root/new.token").unlink()
    return token


def enroll_with(client: Client, server: Server, token: str) -> None:
    """Let a machine have a token that was made before."""
    client.put("/run/home/root/token", token, 0o600)
    client.sshknock("enroll", "myserver", "--token-file", "token", "--keyring", "file")
    client.sshknock("ssh-config", "myserver", "--write")
    client.trust(server, "myserver", server.ipv4)


def is_let_in(client: Client, server: Server, counter: int) -> bool:
    """Tell whether the knocks of a client's counter open the port."""
    client.replay(server, client.train(counter), gap_s=0.001)
    return client.connects(server.ipv4) == "open"


def test_every_source_and_coefficient_is_the_same_on_both_sides(pair: Pair) -> None:
    """The paper's generators, with its parameters or others, and Chua's circuit: ssh comes in."""
    sources = {
        "paper": "--port-source mt19937 --knocks 3-6 --henon-a 1.39 --henon-b 0.29 --threshold 0.4",
        "chua": "--protocol-source chua --window 4",
    }
    for name, options in sources.items():
        token = pair.server.pair(name, *options.split())
        pair.laptop.put("/run/home/root/token", token, 0o600)
        pair.laptop.sshknock("enroll", name, "--token-file", "token", "--keyring", "file")
        pair.laptop.sshknock("ssh-config", "--write")
        pair.laptop.trust(pair.server, name, pair.server.ipv4)
        for _ in range(2):
            assert pair.laptop.ssh(name, "echo in").stdout == "in\n"
        confirmed = pair.laptop.pairing(name)["confirmed"]
        assert confirmed >= 1
        assert pair.server.pairing(name)["next"] == confirmed + 1


def test_coefficients_that_cannot_work_make_no_pairing(pair: Pair) -> None:
    """An orbit that escapes is refused in one line."""
    done = pair.server.sshknock("client", "add", "escaping", "--henon-a", "1.5", check=False)
    assert done.code == 2
    assert "escapes" in done.stderr
    assert "escaping" not in pair.server.sshknock("client", "list").stdout


def test_sync_moves_the_counter_up_and_never_down(pair: Pair) -> None:
    """The doors below close at once, the answer is the new counter, and the client can follow."""
    sync = ("sync", "laptop", "--json", "--at-least")
    told = json.loads(pair.server.sshknock(*sync, "5").stdout)
    assert told == {"version": 1, "name": "laptop", "next": 5}
    assert not is_let_in(pair.laptop, pair.server, 4)
    assert json.loads(pair.server.sshknock(*sync, "2").stdout)["next"] == 5
    assert pair.server.pairing("laptop")["next"] == 5
    assert "next 1 -> 5" in pair.server.sshknock("log").stdout
    assert pair.laptop.ssh("myserver", "echo in").stdout == "in\n"
    pair.in_step()


def test_what_is_no_counter_moves_nothing(pair: Pair) -> None:
    """A number that is wrong or leaves no room is a usage error; a name nobody has, no pairing."""
    for number in ("-1", "", str((1 << 62) - 1), "9" * 50, "0x10"):
        done = pair.server.sshknock("sync", "laptop", f"--at-least={number}", check=False)
        assert (done.code, done.stdout) == (2, ""), done
    assert pair.server.pairing("laptop")["next"] == 1
    assert pair.server.sshknock("sync", "nobody", "--at-least", "9", check=False).code == 3


def test_a_disabled_client_is_out_until_it_is_enabled(pair: Pair) -> None:
    """Its knocks open nothing, its session goes on, its counter stays; then it is as before."""
    with pair.laptop.popen(["ssh", "myserver", "cat"], stdin=subprocess.PIPE) as session:
        assert session.popen.stdin is not None
        session.popen.stdin.write("one\n")
        session.popen.stdin.flush()
        assert session.line() == "one\n"
        at = pair.server.pairing("laptop")["next"]
        pair.server.sshknock("client", "disable", "laptop")
        pair.server.sshknock("client", "disable", "laptop")
        now = pair.server.pairing("laptop")
        assert (now["next"], now["doors"], now["disabled"]) == (at, 0, True)
        assert "laptop (disabled)" in pair.server.sshknock("status").stdout
        assert "disabled" in pair.server.sshknock("client", "list").stdout
        done = pair.server.sshknock("client", "rotate", "laptop", check=False)
        assert done.code == 1
        assert "laptop is disabled, so a new secret would open nothing" in done.stderr
        assert not is_let_in(pair.laptop, pair.server, at)
        session.popen.stdin.write("two\n")
        session.popen.stdin.flush()
        assert session.line() == "two\n"
    pair.server.sshknock("client", "enable", "laptop")
    assert pair.server.pairing("laptop")["doors"] == 8
    assert pair.laptop.ssh("myserver", "echo in").stdout == "in\n"
    pair.in_step()
    assert pair.server.sshknock("log").stdout.count("client disabled") == 1


@pytest.mark.parametrize("command", ["disable", "remove"])
def test_who_is_shut_out_loses_what_they_had_opened(command: str, lab: Lab) -> None:
    """With timed admission, too: a stolen laptop's address gets in no more. Sessions go on."""
    pair = make_pair(lab, "--admit", "timed", "--timeout", "10m")
    with pair.laptop.popen(["ssh", "myserver", "cat"], stdin=subprocess.PIPE) as session:
        assert session.popen.stdin is not None
        eventually(lambda: pair.server.pairing("laptop")["sessions"] == 1, "the session counts")
        assert pair.laptop.connects(pair.server.ipv4) == "open"
        pair.server.sshknock("client", command, "laptop")
        assert pair.laptop.connects(pair.server.ipv4) == "refused"
        assert pair.server.elements("open4") == []
        session.popen.stdin.write("still here\n")
        session.popen.stdin.flush()
        assert session.line() == "still here\n"
    pair.server.sshknock("reconcile")
    assert pair.laptop.connects(pair.server.ipv4) == "refused"


def test_a_user_moves_to_a_new_laptop(pair: Pair) -> None:
    """The old one works until the new one is used, then never again; sessions are not disturbed."""
    token = rotate(pair.server)
    assert pair.server.pairing("laptop")["rotating"] is True
    assert pair.laptop.ssh("myserver", "echo old").stdout == "old\n"
    new = pair.lab.client("new-laptop")
    enroll_with(new, pair.server, token)
    with pair.laptop.popen(["ssh", "myserver", "cat"], stdin=subprocess.PIPE) as session:
        assert session.popen.stdin is not None
        eventually(lambda: pair.server.pairing("laptop")["sessions"] == 1, "the session counts")
        at = pair.server.pairing("laptop")["next"]
        assert new.ssh("myserver", "echo new").stdout == "new\n"
        now = pair.server.pairing("laptop")
        assert (now["next"], now["doors"], now["rotating"]) == (1, 8, False)
        assert not is_let_in(pair.laptop, pair.server, at)
        session.popen.stdin.write("still here\n")
        session.popen.stdin.flush()
        assert session.line() == "still here\n"
    eventually(lambda: pair.server.pairing("laptop")["sessions"] == 0, "the session is over")
    log = pair.server.sshknock("log").stdout
    assert "rotation begun" in log
    assert "rotated" in log
    assert new.ssh("myserver", "echo new").stdout == "new\n"
    assert len(json.loads(pair.server.sshknock("client", "list", "--json").stdout)["clients"]) == 1


def test_a_second_rotation_voids_the_first_and_not_the_old_secret(pair: Pair) -> None:
    """Before the new secret is used: only the last one counts, and the old one still works."""
    new = pair.lab.client("new-laptop")
    new.tokens["myserver"] = Token.decode(rotate(pair.server))
    told = pair.server.sshknock("client", "rotate", "laptop", "--host", "server", "--json")
    second = json.loads(told.stdout)["token"]
    assert Token.decode(second).hosts == ("server",)
    assert not is_let_in(new, pair.server, 0)
    enroll_with(new, pair.server, second)
    assert pair.laptop.ssh("myserver", "echo old").stdout == "old\n"
    assert new.ssh("myserver", "echo new").stdout == "new\n"


def test_a_rotation_that_is_killed_leaves_a_secret_that_works(pair: Pair) -> None:
    """Killed at some moment, the old secret is good; what a token file names is good as well."""
    new = pair.lab.client("new-laptop")
    token_file = pair.server.path("/run/home/root/new.token")
    command = ["sshknock-server", "client", "rotate", "laptop", "--token-file", "new.token"]
    for delay_s in ("0.3", "0.6"):
        pair.server.run(["timeout", "-s", "KILL", delay_s, *command], check=False)
        assert pair.laptop.ssh("myserver", "echo old").stdout == "old\n"
        if pair.server.pairing("laptop")["rotating"]:
            assert token_file.exists(), "a secret that is listened for was handed out"
        token_file.unlink(missing_ok=True)
    enroll_with(new, pair.server, rotate(pair.server))
    assert new.ssh("myserver", "echo new").stdout == "new\n"
