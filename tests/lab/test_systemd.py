"""Where systemd runs, it runs our processes: tried with a real one."""

from __future__ import annotations

import json

import pytest

from tests.lab import Client, Lab, Server, eventually
from tests.lab.faults_victims import hooks
from tests.lab.systemd import boot, units

pytestmark = pytest.mark.lab


@pytest.fixture
def booted(lab: Lab) -> tuple[Server, Client]:
    """A server under systemd that hides its port, and a laptop that is enrolled."""
    server, laptop = lab.server(), lab.client()
    boot(server)
    server.sshknock("init", "--yes")
    laptop.enroll(server)
    return server, laptop


def in_step(server: Server, laptop: Client) -> bool:
    """Tell whether both sides are at the same counter."""
    return bool(server.pairing("laptop")["next"] == laptop.pairing()["confirmed"] + 1)


def test_a_login_through_units(booted: tuple[Server, Client]) -> None:
    """The supervisor is a unit, each knockd an instance, and a replaced one is no failure."""
    server, laptop = booted
    for _ in range(3):
        assert laptop.ssh("myserver", "echo in").stdout == "in\n"
        eventually(lambda: in_step(server, laptop), "in step")
    assert units(server)["sshknock.service"] == "running"
    assert "running" in {s for u, s in units(server).items() if u.startswith("sshknock-knockd@")}
    eventually(lambda: "failed" not in units(server).values(), "no failed unit")


def test_the_journal_can_be_asked_by_client(booted: tuple[Server, Client]) -> None:
    """Every line of our log is in it as well, with fields: an entry is what `log --json` says."""
    server, laptop = booted
    assert laptop.ssh("myserver", "echo in").stdout == "in\n"

    def visit() -> list[dict[str, str]]:
        asked = ["-t", "sshknock", "SSHKNOCK_CLIENT=laptop", "-o", "json", "--no-pager"]
        lines = server.run(["journalctl", *asked]).stdout.splitlines()
        entries = [json.loads(line) for line in lines]
        assert {"open", "login"} < {entry["SSHKNOCK_EVENT"] for entry in entries}
        return entries

    (opened,) = (e for e in eventually(visit, "it is told") if e["SSHKNOCK_EVENT"] == "open")
    (ours,) = server.sshknock("log", "--json", "--event", "open").stdout.splitlines()
    counter = json.loads(ours)["counter"]
    assert opened["MESSAGE"] == f"open client=laptop address={laptop.ipv4} counter={counter}"
    assert opened["SSHKNOCK_ADDRESS"] == laptop.ipv4
    assert (opened["PRIORITY"], opened["_UID"]) == ("6", "0")


def test_what_is_killed_comes_back(booted: tuple[Server, Client]) -> None:
    """Both knockd and the supervisor, by systemd."""
    server, laptop = booted
    server.run(["pkill", "-9", "-x", "knockd"])
    # Its children end at any moment, and one that just has makes systemctl fail.
    server.run(["systemctl", "kill", "-s", "KILL", "--kill-whom=main", "sshknock.service"])
    eventually(lambda: units(server)["sshknock.service"] == "running", "the supervisor is back")
    eventually(lambda: server.processes("knockd"), "knockd is back")
    assert laptop.ssh("myserver", "echo in").stdout == "in\n"


def test_a_supervisor_that_was_stopped_is_started_by_reconcile(
    booted: tuple[Server, Client],
) -> None:
    """An administrator's word does what a hook must not: status names it, and then it runs."""
    server, _ = booted
    server.run(["systemctl", "stop", "sshknock.service"])
    said = server.sshknock("status").stdout
    assert "Note: no supervisor runs; 'sshknock-server reconcile' mends it." in said
    assert server.sshknock("reconcile").stdout.endswith(", the supervisor runs.\n")
    assert units(server)["sshknock.service"] == "running"


def test_a_boot_hides_the_port_again(booted: tuple[Server, Client]) -> None:
    """Table and /run are gone, the books are there: the boot unit comes before all else."""
    server, laptop = booted
    assert laptop.ssh("myserver", "echo in").stdout == "in\n"
    eventually(lambda: not hooks(server), "the hooks have ended")
    server.run(["systemctl", "stop", "sshknock.service", "sshknock-knockd@*", "sshknock-boot"])
    server.run(["nft", "flush", "ruleset"])
    server.run(["rm", "-r", "/run/sshknock"])
    assert laptop.connects(server.ipv4) == "open"
    server.run(["systemctl", "start", "sshknock-boot.service"])
    assert laptop.connects(server.ipv4) == "refused"
    server.run(["systemctl", "start", "sshknock.service"])
    eventually(lambda: server.processes("knockd"), "knockd listens")
    assert laptop.ssh("myserver", "echo in").stdout == "in\n"


def test_uninstall_leaves_no_unit(booted: tuple[Server, Client]) -> None:
    """Nor a process, nor a file of one."""
    server, laptop = booted
    assert laptop.ssh("myserver", "echo in").stdout == "in\n"
    server.sshknock("uninstall", "--yes")
    # systemd forgets a unit whose file is gone a moment after it was told.
    eventually(lambda: units(server) == {}, "no unit is left", timeout_s=30)
    assert server.processes("knockd") == {}
    assert laptop.connects(server.ipv4) == "open"
    assert list(server.path("/etc/systemd/system").glob("sshknock*")) == []


def test_the_doctor_knows_the_units(booted: tuple[Server, Client]) -> None:
    """It is content right after init, and names a unit that would not start at the next boot."""
    server, _ = booted
    told = server.sshknock("doctor", timeout_s=60).stdout
    assert "sshknock-boot.service is enabled." in told
    server.run(["systemctl", "disable", "sshknock.service"])
    done = server.sshknock("doctor", check=False, timeout_s=60)
    assert done.code == 1
    assert "sshknock.service is not enabled" in done.stdout
    server.sshknock("init", "--yes")
    assert server.sshknock("doctor", timeout_s=60).code == 0
    assert "hook fails" not in server.sshknock("log").stdout
