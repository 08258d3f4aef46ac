"""`sshknock enroll --via`: from an account on a server to the first knocked login."""

from __future__ import annotations

import pytest

from tests.lab import Client, Completed, Server, eventually, faults
from tests.lab.client import KEY
from tests.lab.conftest import OpenLab, Pair, make_pair
from tests.lab.test_sync import open_back_door, set_user, with_password

pytestmark = pytest.mark.lab

CONFIG = "/run/home/root/.ssh/config"
KNOWN = "/run/home/root/.ssh/known_hosts"


@pytest.fixture(scope="module")
def pair(open_module_lab: OpenLab) -> Pair:
    """A hidden server with a second way in, `back`, and a laptop that knows it."""
    pair = make_pair(open_module_lab())
    open_back_door(pair.server, pair.laptop)
    return pair


def enroll(
    laptop: Client, *options: str, name: str = "box", via: str = "back", check: bool = True
) -> Completed:
    """Run the command on a machine without a keyring."""
    words = ["enroll", name, "--via", via, "--keyring", "file", *options]
    return laptop.sshknock(*words, check=check, timeout_s=120)


def forget(pair: Pair, *clients: str, name: str = "box") -> None:
    """Let neither side know of it any more."""
    pair.laptop.sshknock("forget", name)
    for client in clients or ("root-laptop",):
        pair.server.sshknock("client", "remove", client)


def clients(server: Server) -> list[str]:
    """The names that the server knows."""
    return [pairing["name"] for pairing in server.status()["pairings"]]


def test_one_command_leads_to_a_login(pair: Pair) -> None:
    """The steps are shown as they begin, the last line is what is typed next, and it works.

    The server's key is known by the other way's name only: the Host block says which.
    """
    laptop = pair.laptop
    known = laptop.read(KNOWN)
    laptop.put(KNOWN, "".join(f"{line}\n" for line in known.splitlines() if "]:2222" in line))
    done = enroll(laptop, "--as", "second")
    assert "adding this machine as second" in done.stderr
    assert done.stdout.splitlines()[-1] == "next: ssh box"
    assert laptop.pairing("box")["confirmed"] == 0
    strictly = ("-o", "StrictHostKeyChecking=yes", "box", "echo in")
    assert laptop.ssh(*strictly).stdout == "in\n"
    laptop.put(KNOWN, known)
    forget(pair, "second")


WAYS = {
    "IPv6": "Host way\n    HostName fd00:77::10\n    Port 2222\n",
    "a jump host": "Host way\n    HostName {server}\n    Port 2222\n    ProxyJump root@{jump}\n",
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_the_ways_that_ssh_knows(pair: Pair, way: str) -> None:
    """The pairing knocks at the address at the end of the way, and straight."""
    laptop, server = pair.laptop, pair.server
    jump = pair.lab.hosts.get("jump")
    if not isinstance(jump, Server):
        jump = pair.lab.server("jump")
        laptop.trust(jump)
    laptop.append(KNOWN, f"[{server.ipv6}]:2222 {server.host_key}\n")
    before = laptop.read(CONFIG)
    laptop.append(CONFIG, way.format(server=server.ipv4, jump=jump.ipv4))
    enroll(laptop, "--as", "second", via="way")
    laptop.put(CONFIG, before, 0o600)
    logins = jump.sshd_log.count("Accepted publickey")
    assert laptop.ssh("box", "echo in").stdout == "in\n"
    assert jump.sshd_log.count("Accepted publickey") == logins
    forget(pair, "second")


def test_by_a_key_that_only_the_agent_has(pair: Pair) -> None:
    """And through the door of another pairing, whose port is all that there is."""
    laptop = pair.laptop
    agent = "/run/agent.sock"
    with laptop.popen(["ssh-agent", "-D", "-a", agent]):
        eventually(laptop.path(agent).exists, "the agent listens")
        laptop.run(["ssh-add"], env={"SSH_AUTH_SOCK": agent})
        laptop.run(["mv", KEY, "/run/key"])
        words = ("enroll", "box", "--via", "myserver", "--as", "second", "--keyring", "file")
        laptop.sshknock(*words, env={"SSH_AUTH_SOCK": agent})
        laptop.run(["mv", "/run/key", KEY])
    assert laptop.ssh("box", "echo in").stdout == "in\n"
    forget(pair, "second")


def test_a_name_that_ssh_knows_already_keeps_the_rest_of_its_settings(pair: Pair) -> None:
    """`enroll back --via back`: our block says where and how, the user's own says who."""
    server, laptop = pair.server, pair.laptop
    set_user(server, laptop, "alice")
    server.append("/etc/sudoers.d/lab", "alice ALL=(root) NOPASSWD: ALL\n")
    enroll(laptop, "--as", "second", name="back")
    assert laptop.ssh("back", "id -un").stdout == "alice\n"
    assert "User" not in laptop.read("/run/home/root/.ssh/sshknock.conf")
    forget(pair, "second", name="back")
    without_sudo(server)
    set_user(server, laptop, "root")


def without_sudo(server: Server) -> None:
    """Take alice's rights away."""
    lines = server.read("/etc/sudoers.d/lab").splitlines()
    text = "".join(f"{line}\n" for line in lines if not line.startswith("alice"))
    server.put("/etc/sudoers.d/lab", text, 0o440)


def test_without_rights_nothing_is_made(pair: Pair) -> None:
    """A user that may not use sudo, a name that is taken: one line, a hint, and nothing is left."""
    server, laptop = pair.server, pair.laptop
    before = clients(server)
    denied = enroll(laptop, via="alice@back", check=False)
    assert denied.code == 1, denied
    assert "sudo on alice@back" in denied.stderr, denied
    taken = enroll(laptop, "--as", "laptop", check=False)
    assert taken.code == 2, taken
    assert "--as NAME" in taken.stderr
    assert clients(server) == before
    assert laptop.sshknock("status", "box", check=False).code == 3


@pytest.mark.long
def test_a_user_whose_sudo_wants_a_password(pair: Pair) -> None:
    """Asked for once, at the terminal; `ssh box` then is that user."""
    server, laptop = pair.server, pair.laptop
    server.run(["chpasswd", "-c", "SHA512"], input="alice:tulip\n")
    server.append("/etc/sudoers.d/lab", "alice ALL=(ALL) ALL\n")
    words = ["enroll", "box", "--via", "alice@back", "--as", "second", "--keyring", "file"]
    done = with_password(laptop, "tulip", "sshknock", *words)
    assert done.stdout.count("sudo password on alice@back:") == 1, done
    assert "next: ssh box" in done.stdout, done
    assert laptop.ssh("box", "id -un").stdout == "alice\n"
    forget(pair, "second")
    without_sudo(server)


def run_under(laptop: Client, options: list[str]) -> str:
    """Enrol under strace; return its log."""
    words = ("enroll", "box", "--via", "back", "--as", "second", "--keyring", "file")
    laptop.run(faults.under(options, "sshknock", *words), check=False)
    return faults.settled(laptop)


@pytest.mark.parametrize(
    ("calls", "stride"),
    [
        pytest.param(("rename",), 4, id="some steps"),
        pytest.param(
            ("rename", "fsync", "flock", "sendto"), 6, id="more steps", marks=pytest.mark.long
        ),
    ],
)
def test_killed_at_a_step_the_same_command_goes_on(
    pair: Pair, calls: tuple[str, ...], stride: int
) -> None:
    """Around each file that is replaced and each packet: one pairing, one client, and it works."""
    laptop, server = pair.laptop, pair.server
    steps = faults.steps(run_under(laptop, faults.watched()))
    forget(pair, "second")
    struck = 0
    chosen = [step for step in steps if step.call in calls][::stride]
    for step in chosen:
        struck += faults.struck(run_under(laptop, step.killed()))
        done = enroll(laptop, "--as", "second", check=False)
        finished = "box is enrolled already" in done.stderr  # killed as it was done
        assert done.code == 0 or finished, (str(step), done)
        assert sorted(clients(server)) == ["laptop", "second"], step
        assert laptop.ssh("box", "echo in").stdout == "in\n", step
        forget(pair, "second")
    assert struck >= len(chosen) // 2, (struck, list(map(str, chosen)))


@pytest.fixture(scope="module")
def bare(open_module_lab: OpenLab) -> Pair:
    """A server without sshknock, whose port is visible, and a laptop that logs in there."""
    lab = open_module_lab()
    server = lab.bare_server()
    laptop = lab.client()
    laptop.trust(server)
    return Pair(lab, server, laptop)


def test_a_bare_server_is_set_up_in_the_same_go(bare: Pair) -> None:
    """`--install`: the program comes along, the port is hidden on trial, the proof confirms it."""
    server, laptop = bare.server, bare.laptop
    refused = enroll(laptop, via="server", check=False)
    assert refused.code == 1, refused
    assert "sshknock-server was not found on server" in refused.stderr, refused
    assert "--install" in refused.stderr, refused
    assert laptop.status()["pairings"] == []

    done = enroll(laptop, "--install", "--trial", "5m", via="server")
    assert "installing sshknock" in done.stderr, done
    assert "in 5 minutes it is visible again, unless" in done.stderr, done
    assert laptop.connects(server.ipv4) == "refused"
    log = server.sshknock("log").stdout
    assert "confirmed" in log, log
    laptop.ssh("box", "true")
    server.sshknock("doctor")

    (hook,) = {line for line in server.read("/etc/pam.d/sshd").splitlines() if "hook.py" in line}
    assert "/usr/bin/python3 -ISB /opt/sshknock/lib/sshknock/server/hook.py" in hook
    server.path("/opt/sshknock/lib/sshknock/old.py").touch()
    again = enroll(laptop, "--install", via="box")
    assert "the same version again" in again.stderr, again
    assert not server.path("/opt/sshknock/lib/sshknock/old.py").exists()
    assert [path.name for path in server.path("/opt").iterdir()] == ["sshknock"]
    laptop.ssh("box", "true")


@pytest.mark.long
def test_an_inventory_of_bare_servers_and_of_one_behind_its_door(bare: Pair) -> None:
    """`--inventory --install`: each is set up; the way may be the knocked one of a pairing."""
    lab, laptop = bare.lab, bare.laptop
    if not laptop.status()["pairings"]:
        enroll(laptop, "--install", via="server")
    other = lab.bare_server("other")
    laptop.trust(other)
    laptop.put("/run/servers", "\ufeffother\r\ntwin box\r\nbox server\r\n")
    words = ("--inventory", "/run/servers", "--install", "--as", "second", "--keyring", "file")
    done = laptop.sshknock("enroll", *words, timeout_s=120)
    assert "2 enrolled, 1 skipped, of 3" in done.stdout, done
    assert laptop.connects(other.ipv4) == "refused"
    assert "confirmed" in other.sshknock("log").stdout
    for name in ("other", "twin", "box"):
        assert laptop.ssh(name, "echo in").stdout == "in\n"
    again = laptop.sshknock("enroll", *words)
    assert "0 enrolled, 3 skipped, of 3" in again.stdout, again
    again = enroll(laptop, "--install", name="other", via="other2", check=False)
    assert "other is enrolled already: ssh other" in again.stderr, again
    left = other.sshknock("uninstall", "--yes").stdout
    assert "rm -r /opt/sshknock /usr/local/sbin/sshknock-server" in left, left


def test_an_installation_of_somebody_elses_is_left_as_it_is(pair: Pair) -> None:
    """Pip's, say: it is told which version runs, and where."""
    done = enroll(pair.laptop, "--install", "--as", "second")
    assert "it is left as it is" in done.stderr, done
    assert str(pair.server.place.programs) in done.stderr, done
    assert not pair.server.path("/opt/sshknock").exists()
    forget(pair, "second")
