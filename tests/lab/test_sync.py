"""`sshknock sync`: the two sides meet again over SSH, by a real sshd and a real sudo."""

from __future__ import annotations

import pytest

from tests.lab import Client, Completed, Lab, Server
from tests.lab.conftest import OpenLab, Pair, make_pair

pytestmark = pytest.mark.lab

BACK = "Host back\n    HostName {address}\n    Port 2222\n    User {user}\n"
ANSWERS = """
import os, pty, sys
code = 1
def read(master):
    data = os.read(master, 1024)
    if b"password" in data:
        os.write(master, sys.argv[1].encode() + b"\\n")
    return data
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[2:], read)))
"""


def open_back_door(server: Server, laptop: Client, user: str = "root") -> None:
    """Let a second sshd, which is never hidden, stand for a private network: `ssh back`."""
    path = f"{server.place.programs}:/usr/sbin:/usr/bin:/sbin:/bin"
    server.put("/etc/sudoers.d/lab", f'Defaults secure_path="{path}"\n', 0o440)
    server.stop_sshd()
    server.start_sshd("-o", f"SetEnv=PATH={path}")
    server.start_sshd("-p", "2222", "-o", "PidFile=/run/back.pid", "-o", f"SetEnv=PATH={path}")
    laptop.append("/run/home/root/.ssh/known_hosts", f"[{server.ipv4}]:2222 {server.host_key}\n")
    set_user(server, laptop, user)


def set_user(server: Server, laptop: Client, user: str) -> None:
    """Choose who `ssh back` logs in as; the user's own file is included after ours."""
    config = laptop.read("/run/home/root/.ssh/config").partition("Host back")[0]
    laptop.put(
        "/run/home/root/.ssh/config", config + BACK.format(address=server.ipv4, user=user), 0o600
    )


@pytest.fixture(scope="module")
def pair(open_module_lab: OpenLab) -> Pair:
    """A pair with a second way to the server."""
    pair = make_pair(open_module_lab())
    open_back_door(pair.server, pair.laptop)
    return pair


NEITHER = "answers on port 22 neither without a knock nor with one"


def fall_out_of_step(pair: Pair, by: int = 500) -> int:
    """Let the server be far beyond what any search of ours finds; the counter that it waits for."""
    lowest = pair.server.pairing("laptop")["next"] + by
    pair.server.sshknock("sync", "laptop", "--at-least", str(lowest))
    return int(lowest)


def assert_in_step_again(pair: Pair, done: Completed) -> None:
    """The next ssh needs one attempt."""
    assert "in step again" in done.stdout, done
    before = pair.laptop.pairing()
    assert before["confirmed"] == before["sent"] == pair.server.pairing("laptop")["next"] - 1
    pair.laptop.ssh("myserver", "true")
    pair.in_step()
    assert pair.laptop.pairing()["sent"] == before["sent"] + 1


def assert_unmoved(pair: Pair, done: Completed, *words: str, code: int = 1) -> None:
    """It failed with one clear line, perhaps a hint, and they have not met."""
    lines = done.stderr.splitlines()
    assert done.code == code, done
    assert 1 <= len(lines) <= 2, done
    assert all(line.startswith("sshknock: ") for line in lines), done
    for word in words:
        assert word in done.stderr, (word, str(done))
    assert pair.laptop.pairing()["sent"] < pair.server.pairing("laptop")["next"]


def test_sync_as_root_over_another_way(pair: Pair) -> None:
    """`--via back`: the server says where it is; that it was ahead of us is worth a warning."""
    lowest = fall_out_of_step(pair)
    done = pair.laptop.sshknock("sync", "myserver", "--via", "back")
    assert "than this machine ever sent" in done.stderr
    assert pair.server.pairing("laptop")["next"] == lowest
    assert_in_step_again(pair, done)


def test_sync_moves_a_server_that_is_behind(pair: Pair) -> None:
    """Counters that were sent in vain are burnt there: it moves to the first that never was."""
    for _ in range(3):
        pair.laptop.sshknock("open", "myserver", "--blind")
    pair.shut()
    sent = pair.laptop.pairing()["sent"]
    done = pair.laptop.sshknock("sync", "myserver", "--via", "back")
    assert pair.server.pairing("laptop")["next"] == sent + 1
    assert_in_step_again(pair, done)


def test_sync_to_the_hidden_port_from_an_admitted_address(pair: Pair) -> None:
    """The default goes to the pairing's own port, knocking in vain until we are admitted."""
    fall_out_of_step(pair)
    refused = pair.laptop.sshknock("sync", "myserver", check=False)
    assert_unmoved(pair, refused, NEITHER, "--search", "admit ADDRESS", code=5)
    element = f"{{ {pair.laptop.ipv4} timeout 60s }}"
    pair.server.run(["nft", "add", "element", "inet", "sshknock", "open4", element])
    assert_in_step_again(pair, pair.laptop.sshknock("sync", "myserver"))


def test_an_unknown_host_key_ends_it(pair: Pair) -> None:
    """Nothing is sent to a server that cannot show who it is, whatever the settings say."""
    laptop = pair.laptop
    known = laptop.read("/run/home/root/.ssh/known_hosts")
    config = laptop.read("/run/home/root/.ssh/config")
    lax = "    StrictHostKeyChecking no\n    UserKnownHostsFile none\n"
    laptop.put("/run/home/root/.ssh/known_hosts", "")
    laptop.put("/run/home/root/.ssh/config", config + lax, 0o600)
    done = laptop.sshknock("sync", "myserver", "--via", "back", check=False)
    laptop.put("/run/home/root/.ssh/known_hosts", known)
    laptop.put("/run/home/root/.ssh/config", config, 0o600)
    assert_unmoved(pair, done, "host key", "ssh-keygen -lf")


def test_a_way_through_the_own_door_is_the_default_way(pair: Pair) -> None:
    """`--via root@myserver`: it cannot be knocked for when the pair is out of step."""
    fall_out_of_step(pair)
    done = pair.laptop.sshknock("sync", "myserver", "--via", "root@myserver", check=False)
    assert_unmoved(pair, done, NEITHER, "--search", code=5)


def test_no_key_ends_it(pair: Pair) -> None:
    """A user there who never heard of our key."""
    pair.server.add_user("carol")
    done = pair.laptop.sshknock("sync", "myserver", "--via", "carol@back", check=False)
    assert_unmoved(pair, done, "carol@back accepted no key", "ssh-add")


def test_another_server_ends_it(pair: Pair) -> None:
    """A host without sshknock-server."""
    other = pair.lab.server("other")
    pair.laptop.trust(other)
    done = pair.laptop.sshknock("sync", "myserver", "--via", "other", check=False)
    assert_unmoved(pair, done, "sshknock-server was not found on other")


def test_a_pairing_that_was_removed_there_is_told(pair: Pair) -> None:
    """The server has no client with our token's id: another's counter is not touched."""
    removed = pair.server.pair("stranger")
    pair.laptop.put("/run/home/root/token", removed, 0o600)
    pair.laptop.sshknock("enroll", "gone", "--token-file", "token", "--keyring", "file")
    pair.server.sshknock("client", "remove", "stranger")
    done = pair.laptop.sshknock("sync", "gone", "--via", "back", check=False)
    pair.laptop.sshknock("forget", "gone")
    assert done.code == 3, done
    assert "no pairing that is 'gone' here" in done.stderr


def with_password(laptop: Client, password: str, *command: str) -> Completed:
    """Run a command at a terminal where a user answers every question for a password."""
    return laptop.run(["/usr/bin/python3", "-c", ANSWERS, password, *command], check=False)


@pytest.mark.long
def test_a_user_with_sudo(pair: Pair) -> None:
    """A password is asked for when sudo wants one, and only at a terminal."""
    server, laptop = pair.server, pair.laptop
    set_user(server, laptop, "alice")
    sync = ["sshknock", "sync", "myserver", "--via", "back"]
    assert_unmoved(pair, laptop.run(sync, check=False), "wants a password", "a terminal")
    server.run(["chpasswd", "-c", "SHA512"], input="alice:tulip\n")
    denied = with_password(laptop, "tulip", *sync)
    assert denied.code == 1, denied
    assert "does not let you run" in denied.stdout, denied

    server.append("/etc/sudoers.d/lab", "alice ALL=(ALL) ALL\n")
    wrong = with_password(laptop, "wrong", *sync)
    assert "does not let you run" in wrong.stdout, wrong
    assert wrong.stdout.count("sudo password on back:") == 3, wrong
    done = with_password(laptop, "tulip", *sync)
    assert done.stdout.count("sudo password on back:") == 1, done
    assert "tulip" not in done.stdout.replace("tulip\r\n", ""), done
    assert_in_step_again(pair, done)

    server.append("/etc/sudoers.d/lab", "alice ALL=(root) NOPASSWD: ALL\n")
    assert_in_step_again(pair, laptop.run(sync))
    set_user(server, laptop, "root")


@pytest.mark.long
def test_a_search_that_finds_a_server_from_a_backup_says_so(lab: Lab) -> None:
    """Its books are older than the last login: its past could be replayed."""
    pair = make_pair(lab)
    pair.laptop.ssh("myserver", "true")
    pair.in_step()
    pair.server.run(["sh", "-c", "cp -a /var/lib/sshknock /run/backup"])
    for _ in range(12):  # beyond the window of the backup
        pair.laptop.sshknock("open", "myserver")
    pair.in_step()
    pair.server.sshknock("uninstall", "--yes")
    pair.server.run(["sh", "-c", "rm -rf /var/lib/sshknock; cp -a /run/backup /var/lib/sshknock"])
    pair.server.init()
    done = pair.laptop.sshknock("sync", "myserver", "--search", timeout_s=60)
    assert "restored from a backup" in done.stderr, done
    assert "--at-least" in done.stderr
    pair.laptop.ssh("myserver", "true")
    pair.in_step()
