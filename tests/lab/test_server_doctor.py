"""`sshknock-server doctor` on a server that is well, and on one that is broken, in every way."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sshknock.server.doctor import CHECKS, other_tables
from tests.lab import Host, Lab, Server, eventually
from tests.lab.conftest import OpenLab, Pair
from tests.lab.faults_victims import kill, supervisors

pytestmark = pytest.mark.lab

DROPPING = """
table inet filter {{
  chain input {{
    type filter hook input priority 0; policy drop;
    iif lo accept
    ct state established,related accept
    {rules}
  }}
  chain more {{ tcp dport {{ 80, 443 }} accept; }}
  chain ssh {{ accept; }}
}}
"""


def findings(server: Server, *, code: int | None = None) -> dict[str, list[tuple[str, str]]]:
    """What the doctor finds, by check: level and text. Every remedy is there where it must be."""
    done = server.sshknock("doctor", "--json", check=False, timeout_s=60)
    told = json.loads(done.stdout)
    assert told["version"] == 1
    found: dict[str, list[tuple[str, str]]] = {}
    for one in told["findings"]:
        assert (one["remedy"] is None) == (one["level"] == "ok"), one
        found.setdefault(one["check"], []).append((one["level"], one["what"]))
    sick = any(level == "problem" for lines in found.values() for level, _ in lines)
    assert done.code == sick, done
    if code is not None:
        assert done.code == code, done
    return found


def problems(server: Server) -> dict[str, str]:
    """The problems alone, the last of each check."""
    found = findings(server)
    return {
        check: what for check, lines in found.items() for level, what in lines if level == "problem"
    }


@pytest.fixture
def server(pair: Pair) -> Server:
    """A server that is well, with a client."""
    return pair.server


@contextmanager
def stopped(server: Server, *words: str) -> Iterator[None]:
    """Stop the processes of these words meanwhile, so that nothing is mended."""
    pids = [pid for pid, line in server.processes().items() if all(word in line for word in words)]
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_a_server_that_is_well(pair: Pair) -> None:
    """Right after a login every check is content, and the exit code is 0."""
    pair.laptop.ssh("myserver", "true")
    found = findings(pair.server, code=0)
    assert found.keys() | {"iptables"} == {"settings", *CHECKS}
    told = pair.server.sshknock("doctor").stdout
    assert told.endswith("No problem was found.\n")
    assert told.isascii()


def test_without_a_table_or_a_knockd(server: Server) -> None:
    """While nobody mends it: the port is visible, and nothing listens for knocks."""
    with stopped(server, "hook.py", "watch"):
        server.run(["nft", "delete", "table", "inet", "sshknock"])
        for pid in server.processes("knockd"):
            os.kill(pid, signal.SIGKILL)
        found = problems(server)
        told = server.sshknock("doctor", check=False, timeout_s=60).stdout
    assert found["port"].startswith("Port 22 is visible: our table is gone")
    assert found["engine"] == "knockd does not run, or not for every door."
    assert "to do: sshknock-server reconcile" in told
    server.sshknock("reconcile")
    assert problems(server) == {}


def test_without_a_supervisor(server: Server) -> None:
    """Killed for good, it is missed; `status` and `doctor` name what brings it back."""
    kill(list(supervisors(server)))
    assert set(problems(server)) == {"supervisor"}
    told = server.sshknock("doctor", check=False, timeout_s=60).stdout
    assert (
        "No supervisor runs: what ends is not noticed.\n         to do: sshknock-server rec" in told
    )
    said = server.sshknock("status").stdout
    assert "Note: no supervisor runs; 'sshknock-server reconcile' mends it.\n" in said
    assert server.sshknock("reconcile").stdout == (
        "All agrees: port 22 is hidden on eth0, knockd listens, the supervisor runs.\n"
    )
    assert problems(server) == {}


def test_a_port_that_is_not_as_it_was_meant(server: Server) -> None:
    """Shown by hand it is a note; given back by a trial that nobody confirmed, a problem."""
    server.sshknock("unhide")
    assert findings(server, code=0)["port"][0][0] == "note"
    said = server.sshknock("reconcile").stdout
    assert said.startswith("All agrees: port 22 is visible, knockd listens, the supervisor runs.\n")
    server.sshknock("hide", "--trial", "60s")
    level, what = findings(server, code=0)["port"][0]
    assert level == "ok"
    assert re.search(r"on trial until .* \(([0-9]+ s|1 min) left\)\.$", what)
    said = server.sshknock("hide").stdout
    assert said == "Port 22 is hidden on eth0; the trial is over.\n"
    server.sshknock("hide", "--trial", "1s")
    eventually(lambda: server.elements("hidden") == [], "the port is given back")
    server.sshknock("reconcile")
    assert problems(server)["port"].startswith("Port 22 is visible: the trial ended at ")
    server.sshknock("hide")
    assert problems(server) == {}


def test_nobody_who_can_knock(server: Server) -> None:
    """Hidden for good that locks everybody out, and is a problem; on trial, or visible, a note."""
    note = "Note: no client is left that can knock: only sessions that are open now stay."
    server.sshknock("client", "add", "bob", "--host", server.ipv4)
    assert note not in server.sshknock("client", "disable", "bob").stdout
    assert findings(server, code=0)["books"][1:] == [("note", "Disabled: bob.")]
    assert "to do: sshknock-server client enable bob\n" in server.sshknock("doctor").stdout
    assert note in server.sshknock("client", "disable", "laptop").stdout
    assert problems(server) == {"books": "Disabled: bob, laptop: nobody can knock."}
    assert note in server.sshknock("client", "remove", "bob").stdout
    server.sshknock("hide", "--trial", "60s")
    findings(server, code=0)
    server.sshknock("unhide")
    assert note not in server.sshknock("client", "disable", "laptop").stdout
    asked = server.sshknock("hide", check=False)
    assert (asked.code, "hide asks before it hides port 22" in asked.stderr) == (2, True)
    server.sshknock("client", "enable", "laptop")
    server.sshknock("hide")
    assert problems(server) == {}


def test_an_exposure_that_is_over(server: Server) -> None:
    """It is told with what to make of it, and is none that has to be mended."""
    server.run(["nft", "delete", "table", "inet", "sshknock"])
    server.sshknock("reconcile")
    told = server.sshknock("doctor", timeout_s=60).stdout
    cause = "our table was gone: nftables was flushed or reloaded, or somebody deleted it"
    assert f"({cause}; noticed by " in told
    assert "nothing, if you reloaded the firewall then; 'sshknock-server log' has it\n" in told
    said = server.sshknock("status").stdout
    assert re.search(r"Port 22 was visible at .*\)\. It is hidden again\.\n", said)


def test_hooks_that_do_not_start(server: Server) -> None:
    """The PAM line is not ours any more, and what it runs is not there."""
    line = server.read("/etc/pam.d/sshd")
    server.path("/etc/pam.d/sshd").write_text(line.replace("bin/python", "bin/no-python", 1))
    found = problems(server)
    assert set(found) == {"hooks", "sessions"}
    assert found["hooks"].startswith("The hook that /etc/pam.d/sshd runs does not start: ")
    assert "no-python: No such file" in found["hooks"]
    server.init()
    assert problems(server) == {}


def test_a_knockd_conf_that_others_can_read_or_have_changed(server: Server) -> None:
    """It holds sequences, and belongs to nobody else."""
    file = server.path("/etc/knockd.conf")
    with stopped(server, "hook.py", "watch"):
        file.chmod(0o644)
        assert "others than root can read it" in problems(server)["knockd.conf"]
        file.chmod(0o600)
        file.write_text(file.read_text().replace("seq_timeout", "SEQ_TIMEOUT"))
        assert "is not as it should be" in problems(server)["knockd.conf"]
    server.sshknock("reconcile")
    assert problems(server) == {}


def test_a_saved_ruleset_with_our_table(server: Server) -> None:
    """Whoever saves all rules saves ours: told as long as the copy is there."""
    server.run(["sh", "-c", "nft list ruleset > /etc/nftables.conf"])
    found = problems(server)
    assert set(found) == {"saved rules"}
    assert found["saved rules"].startswith("/etc/nftables.conf holds a copy of our table: ")
    server.path("/etc/nftables.conf").unlink()
    assert problems(server) == {}


def test_an_sshd_that_does_not_listen_or_tells_nothing(server: Server) -> None:
    """It has ended, or was told not to use PAM, or its settings are wrong."""
    config = server.read("/etc/ssh/sshd_config")
    server.stop_sshd()
    server.path("/etc/ssh/sshd_config").write_text(config.replace("UsePAM yes", "UsePAM no"))
    found = problems(server)
    assert found["sshd"] == "Nothing listens on port 22."
    assert found["sessions"] == "sshd does not use PAM: the server hears of no session."
    server.path("/etc/ssh/sshd_config").write_text("Nonsense yes\n")
    assert problems(server)["sessions"].startswith("Sshd cannot tell its settings")
    server.path("/etc/ssh/sshd_config").write_text(config)
    server.start_sshd()
    assert problems(server) == {}


def test_a_program_that_others_can_change(pair: Pair) -> None:
    """Whoever can write to it is root by the next knock."""
    assert pair.lab.installation is not None
    pyvenv = pair.lab.installation.programs.parent / "pyvenv.cfg"
    pyvenv.chmod(0o666)
    try:
        assert "Others than root can write to" in problems(pair.server)["trust"]
    finally:
        pyvenv.chmod(0o644)


def test_addresses_that_went_away(server: Server) -> None:
    """A client's address of the server that is not its own is a note: it may be a router's."""
    server.run(["ip", "addr", "add", "10.99.0.1/24", "dev", "eth0"])
    server.run(["ip", "addr", "del", f"{server.ipv4}/24", "dev", "eth0"])
    try:
        (level, what), *_ = findings(server)["hosts"]
        assert level == "note"
        assert f"laptop knows this server as {server.ipv4}" in what
    finally:
        server.run(["ip", "addr", "add", f"{server.ipv4}/24", "dev", "eth0"])
        server.run(["ip", "addr", "del", "10.99.0.1/24", "dev", "eth0"])
    server.sshknock("reconcile")


def test_books_that_cannot_be_read_or_written(server: Server) -> None:
    """Damaged books are named; so is a folder that nothing can be written to."""
    books = server.path("/var/lib/sshknock/state.db")
    octets = books.read_bytes()
    with stopped(server, "hook.py", "watch"):
        books.write_bytes(b"no books " * 1000)
        found = problems(server)
        books.write_bytes(octets)
    assert found["books"].startswith("Cannot open /var/lib/sshknock/state.db")
    server.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", "/run/sshknock"])
    found = problems(server)
    server.run(["umount", "/run/sshknock"])
    assert found["room"].startswith("/run/sshknock cannot be written")
    server.sshknock("reconcile")
    assert problems(server) == {}


def test_without_settings_that_is_all_there_is(lab: Lab) -> None:
    """A server that was never set up has one problem."""
    found = findings(lab.server(), code=1)
    assert list(found) == ["settings"]
    ((level, _),) = found["settings"]
    assert level == "problem"


def test_a_server_with_forcecommand(lab: Lab) -> None:
    """Without the line in sshd_config nobody tells of sessions; with it, for whom is said."""
    server = lab.server()
    told = server.init("--hook", "forcecommand").stdout
    (line,) = (line.strip() for line in told.splitlines() if "ForceCommand /" in line)
    assert "ForceCommand runs our hook" in problems(server)["sessions"]
    server.append("/etc/ssh/sshd_config", f"Match User alice\n    {line}\n")
    ((level, what),) = findings(server)["sessions"]
    assert (level, what) == ("ok", "sshd's ForceCommand runs our hook for alice.")


@pytest.fixture(scope="module")
def bare(open_module_lab: OpenLab) -> Host:
    """A machine with nothing but nft."""
    return open_module_lab().host("bare")


@pytest.mark.parametrize(
    ("rules", "drops"),
    [
        ("", True),
        ("tcp dport 22 accept", False),
        ("tcp dport { 80, 443, 2000-3000 } accept", True),
        ("tcp dport 20-30 accept", False),
        ("tcp dport != 22 accept", True),
        ("iifname eth0 tcp dport ssh accept", False),
        ("iifname eth1 tcp dport ssh accept", True),
        ('iifname "eth*" tcp dport ssh accept', False),
        ("ip saddr 192.0.2.0/24 tcp dport 22 accept", False),
        ("ip6 saddr ::1 tcp dport 22 accept", True),
        ("tcp dport 22 limit rate 3/minute accept", False),
        ("tcp dport 22 drop; accept", True),
        ("ip saddr 192.0.2.1 drop; accept", False),
        ("udp dport 22 accept", True),
        ("meta l4proto { tcp, udp } th dport 22 accept", False),
        ("ct state vmap { established : accept, invalid : drop }", True),
        ("ct state vmap { new : jump ssh }", False),
        ("tcp dport vmap { 22 : goto ssh, 23 : drop }", False),
        ("tcp dport vmap { 22 : drop, 23 : accept }; accept", True),
        ("jump more", True),
        ("jump more; jump ssh", False),
        ("counter; log; reject; accept", True),
        ("meta nfproto ipv6 accept", True),
        ("ct state new accept", False),
        ("tcp flags syn accept", False),
    ],
)
def test_another_table_that_keeps_everybody_out(bare: Host, rules: str, drops: bool) -> None:
    """Told of only when it drops whatever the source is, by rules as the real nft lists them."""
    bare.run(["nft", "-f", "-"], input="flush ruleset\n" + DROPPING.format(rules=rules))
    listed = other_tables.parse(bare.run(["nft", "-j", "list", "ruleset"]).stdout)
    told = list(other_tables.that_drop(listed, 22, "eth0", 4))
    assert told == (["chain input of table inet filter"] if drops else [])


def test_another_table_is_told_of(server: Server) -> None:
    """The doctor names the chain. Where one family is let through it is a note, and no problem."""
    server.run(["nft", "-f", "-"], input=DROPPING.format(rules="tcp dport 80 accept"))
    assert problems(server)["other tables"].startswith(
        "The chain input of table inet filter drops every new connection to port 22 over IPv"
    )
    server.run(["nft", "insert rule inet filter input meta nfproto ipv4 tcp dport 22 accept"])
    ((level, told),) = findings(server, code=0)["other tables"]
    assert level == "note"
    assert told.endswith("to port 22 over IPv6.")
    server.run(["nft", "insert rule inet filter input tcp dport 22 accept"])
    ((level, _),) = findings(server, code=0)["other tables"]
    assert level == "ok"
    server.run(["nft", "delete table inet filter"])
