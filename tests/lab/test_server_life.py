"""The server from `init` to `uninstall`: what it leaves alone, brings back, undoes."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.lab import Client, Lab, Process, Server, eventually
from tests.lab.conftest import Pair, make_pair

pytestmark = pytest.mark.lab

TOUCHED = ("/etc/pam.d/sshd", "/etc/knockd.conf")
FOLDERS = ("/etc/sshknock", "/var/lib/sshknock", "/run/sshknock")
FOREIGN_TABLES = """
table inet filter {
  set friends { type ipv4_addr; flags interval; elements = { 192.0.2.0/24 } }
  chain input {
    type filter hook input priority 0; policy accept;
    ct state established,related accept
    ip saddr @friends tcp dport 8080 accept
    tcp dport 9999 drop
  }
}
table ip nat {
  chain prerouting {
    type nat hook prerouting priority -100; policy accept;
    tcp dport 8081 redirect to :8080
  }
}
table ip6 raw {
  chain output { type filter hook output priority -300; policy accept; }
}
"""
ADMIN_KNOCKD = """\
# the administrator's own
[options]
    UseSyslog
    Interface = eth0

[greenhouse]
    sequence      = 21001,21002:udp,21003
    seq_timeout   = 5
    command       = /usr/bin/touch /run/watered-by-%IP%
    tcpflags      = syn
"""


@pytest.fixture
def server(lab: Lab) -> Server:
    """A server with rules of its own, the product not set up yet."""
    server = lab.server()
    server.run(["nft", "-f", "-"], input=FOREIGN_TABLES)
    return server


@pytest.fixture
def laptop(lab: Lab) -> Client:
    """A client, not enrolled yet."""
    return lab.client()


@contextmanager
def session(laptop: Client, server: Server) -> Iterator[Process]:
    """An ssh session without any knocking, and a remote program that answers line by line."""
    plain = ["ssh", "-o", "BatchMode=yes", f"root@{server.ipv4}", "cat"]
    with laptop.popen(plain, stdin=subprocess.PIPE) as process:
        assert_alive(process)
        yield process
        assert_alive(process)


def assert_alive(process: Process) -> None:
    """Hold that the session still answers."""
    assert process.popen.stdin is not None
    process.popen.stdin.write("still here\n")
    process.popen.stdin.flush()
    assert process.line() == "still here\n"


def fingerprint(server: Server) -> dict[str, tuple[bytes, int, int, int] | None]:
    """Read what is to be the same afterwards: content, mode and owner of the files."""
    prints: dict[str, tuple[bytes, int, int, int] | None] = {}
    for name in TOUCHED:
        path = server.path(name)
        if path.exists():
            of = path.stat()
            prints[name] = (path.read_bytes(), stat.S_IMODE(of.st_mode), of.st_uid, of.st_gid)
        else:
            prints[name] = None
    return prints


def assert_no_trace(server: Server, before: dict[str, Any]) -> None:
    """Hold that nothing of the product is left once its last hook has ended.

    Files, folders, table, processes: also what such a hook might have made again.
    """
    eventually(lambda: not hooks(server), "the last hook has ended")
    assert fingerprint(server) == before
    assert [name for name in FOLDERS if server.path(name).exists()] == []
    assert server.ruleset(own=True) == []
    assert server.processes("knockd") == {}
    assert [line for line in server.processes().values() if "sshknock" in line] == []
    beside = [path for name in TOUCHED for path in server.path(name).parent.glob("*sshknock*")]
    assert beside == []


def hooks(server: Server) -> list[str]:
    """List the product's processes, knockd left out."""
    return [line for line in server.processes().values() if "sshknock" in line and "hook" in line]


def replace_daemon(server: Server) -> None:
    """Add a client, for which the daemon is replaced by one that knows it."""
    before = server.processes("knockd")
    server.pair("somebody")
    eventually(lambda: set(server.processes("knockd")) - set(before), "a new daemon runs")


def test_a_session_lives_through_everything_and_other_tables_stay(
    server: Server, laptop: Client
) -> None:
    """A session from before init goes on through init, reconcile, a new daemon and uninstall."""
    laptop.trust(server)
    foreign, files = server.ruleset(), fingerprint(server)
    with session(laptop, server) as running:
        server.init()
        assert_alive(running)
        assert server.ruleset() == foreign
        assert laptop.connects(server.ipv4) == "refused"
        replace_daemon(server)
        assert_alive(running)
        server.sshknock("reconcile")
        assert_alive(running)
        server.sshknock("uninstall", "--yes")
        assert_alive(running)
        assert laptop.connects(server.ipv4) == "open"
    assert server.ruleset() == foreign
    assert_no_trace(server, files)


def test_uninstall_undoes_init_after_real_use(server: Server, laptop: Client) -> None:
    """Logins, a killed daemon, a second client: still no trace is left."""
    files = fingerprint(server)
    server.init()
    laptop.enroll(server)
    laptop.ssh("myserver", "true")
    replace_daemon(server)
    laptop.ssh("myserver", "true")
    # At once: hooks of that login are still at work.
    server.sshknock("uninstall", "--yes")
    assert_no_trace(server, files)


def test_uninstall_restores_an_unusual_file_byte_for_byte(server: Server) -> None:
    """No line feed at the end, odd modes, trailing blanks: the bytes come back as they were."""
    for name, mode in zip(TOUCHED, (0o640, 0o600), strict=True):
        odd = server.read(name).rstrip("\n") + "\n# odd \t"
        server.path(name).write_text(odd)
        server.path(name).chmod(mode)
    files = fingerprint(server)
    server.init()
    server.sshknock("uninstall", "--yes")
    assert_no_trace(server, files)


def test_without_a_knockd_conf_none_is_left(server: Server) -> None:
    """A server that never had the file does not have it after uninstall."""
    server.path("/etc/knockd.conf").unlink()
    files = fingerprint(server)
    server.init()
    assert server.path("/etc/knockd.conf").exists()
    server.sshknock("uninstall", "--yes")
    assert_no_trace(server, files)


def test_the_administrators_own_sections_stay_and_work(server: Server, laptop: Client) -> None:
    """His part of knockd.conf is kept byte for byte, and his door opens once a train, not twice."""
    server.path("/etc/knockd.conf").write_text(ADMIN_KNOCKD)
    server.init()
    laptop.enroll(server)
    assert ADMIN_KNOCKD in server.read("/etc/knockd.conf")
    train = [(21001, "tcp"), (21002, "udp"), (21003, "tcp")]
    for _ in range(2):  # also after a login, which replaces our daemon and not his
        laptop.replay(server, train)
        mark = server.path(f"/run/watered-by-{laptop.ipv4}")
        eventually(mark.exists, "his command ran")
        mark.unlink()
        laptop.ssh("myserver", "true")
    assert ADMIN_KNOCKD in server.read("/etc/knockd.conf")
    server.sshknock("uninstall", "--yes")
    assert server.read("/etc/knockd.conf") == ADMIN_KNOCKD


def test_debians_example_doors_are_disabled(server: Server, laptop: Client) -> None:
    """Anybody can knock 7000, 8000, 9000: the stock file's doors are off, with a word about it."""
    stock = [line for line in server.read("/etc/knockd.conf").splitlines() if "7000,8000" in line]
    assert stock, "this machine's knockd.conf is not Debian's"
    server.init()
    text = server.read("/etc/knockd.conf")
    (line,) = (line for line in text.splitlines() if stock[0] in line)
    assert line.startswith("#")
    assert "sshknock" in line
    running = "".join(
        server.read(name.split(" -c ")[1]) for name in server.processes("knockd").values()
    )
    assert "7000,8000" not in running
    laptop.enroll(server)
    laptop.ssh("myserver", "true")


def test_a_killed_daemon_comes_back(lab: Lab) -> None:
    """SIGKILL to all of knockd: within 15 s it is back and logins work."""
    pair = make_pair(lab)
    killed = set(pair.server.processes("knockd"))
    assert killed
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    eventually(
        lambda: set(pair.server.processes("knockd")) - killed, "knockd is back", timeout_s=15
    )
    pair.laptop.ssh("myserver", "true")
    pair.in_step()


def test_a_flushed_ruleset_is_rebuilt_and_old_trains_stay_dead(lab: Lab) -> None:
    """`nft flush ruleset` exposes the port until reconcile; what was used before stays used."""
    pair = make_pair(lab)
    with pair.server.capture() as capture:
        pair.laptop.ssh("myserver", "true")
        pair.in_step()
    heard = [knock.knock for knock in capture.knocks(pair.laptop.ipv4)]
    pair.server.run(["nft", "flush", "ruleset"])
    eventually(
        lambda: pair.laptop.connects(pair.server.ipv4) == "refused", "hidden again", timeout_s=20
    )
    attacker = lab.host("attacker")
    attacker.replay(pair.server, heard)
    assert attacker.connects(pair.server.ipv4) == "refused"
    pair.laptop.ssh("myserver", "true")
    pair.in_step()


def test_a_removed_client_is_out(lab: Lab) -> None:
    """`client remove` takes the doors away: the next login does not get in."""
    pair = make_pair(lab)
    pair.laptop.ssh("myserver", "true")
    pair.server.sshknock("client", "remove", "laptop")
    done = pair.laptop.run(["sshknock-proxy", pair.server.ipv4, "22"], check=False, timeout_s=60)
    assert done.code == 5, done
    assert pair.laptop.connects(pair.server.ipv4) == "refused"


def test_the_file_is_what_would_be_written(lab: Lab) -> None:
    """`render --check` is 0 after every change, and 1 after someone else's."""
    pair = make_pair(lab)
    pair.laptop.ssh("myserver", "true")
    pair.in_step()
    pair.server.sshknock("reconcile")
    assert pair.server.sshknock("render", "--check", check=False).code == 0
    text = pair.server.read("/etc/knockd.conf")
    assert pair.server.sshknock("render", "--stdout").stdout == text
    pair.server.path("/etc/knockd.conf").write_text(text.replace("seq_timeout", "Seq_Timeout"))
    assert pair.server.sshknock("render", "--check", check=False).code == 1


def test_init_twice_is_init_once(lab: Lab) -> None:
    """A second init keeps the pairings, and uninstall still restores the first state."""
    server, laptop = lab.server(), lab.client()
    files = fingerprint(server)
    server.init()
    laptop.enroll(server)
    server.init()
    laptop.ssh("myserver", "true")
    Pair(lab, server, laptop).in_step()
    server.sshknock("uninstall", "--yes")
    assert_no_trace(server, files)
