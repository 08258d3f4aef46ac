"""Many servers at once: enrolled, synced and rotated, with some that do not take part."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.lab import Completed, Lab, eventually
from tests.lab.conftest import OpenLab
from tests.lab.fleet import INVENTORY, Fleet, measured
from tests.lab.terminal import Terminal

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def fleet(open_module_lab: OpenLab) -> Fleet:
    """Servers that are enrolled, all of them."""
    fleet = Fleet(open_module_lab(), 3)
    done, _ = fleet.enroll()
    assert done.code == 0, done
    return fleet


def results(summary: dict[str, Any]) -> dict[str, str]:
    """What became of each server."""
    return {server["name"]: server["result"] for server in summary["servers"]}


def assert_all_log_in(fleet: Fleet) -> None:
    """Plain ssh gets in everywhere."""
    for server in fleet.servers:
        assert fleet.laptop.ssh(server.name, "echo in").stdout == "in\n"


def interrupted(fleet: Fleet) -> tuple[Completed, dict[str, Any]]:
    """Enrol one at a time, and type ^C when the first is done; how it ended, and its summary."""
    words = ("enroll", "--inventory", INVENTORY, "--keyring", "file", "--jobs", "1")
    with fleet.start(*words) as process:
        eventually(lambda: fleet.laptop.status()["pairings"], "one is enrolled", timeout_s=60)
        fleet.interrupt(process)
        done = process.end(timeout_s=60)
    return done, json.loads(done.stdout)


def test_an_enrolment_goes_on_where_it_was_interrupted_and_where_servers_failed(lab: Lab) -> None:
    """A ^C, one that is down, one without rights; in the end all are enrolled, and each once.

    What is interrupted leaves whole pairings or none, here and there. What fails stops no other.
    """
    fleet = Fleet(lab, 4)
    *others, rights, down = fleet.servers

    done, summary = interrupted(fleet)
    assert done.code == 130, done
    assert "^C again" in done.stderr
    here = {pairing["name"] for pairing in fleet.laptop.status()["pairings"]}
    assert {name for name, result in results(summary).items() if result == "done"} == here
    assert summary["left"] == len(fleet.servers) - len(here) > 0
    for server in fleet.servers:
        assert len(server.status()["pairings"]) == (server.name in here)

    fleet.go_as("alice", rights)
    down.stop_sshd()
    done, summary = fleet.enroll()
    assert done.code == 1, done
    found = {server["name"]: server for server in summary["servers"]}
    assert {found[server.name]["result"] for server in others} <= {"done", "skipped"}
    assert found[down.name]["result"] == found[rights.name]["result"] == "failed"
    assert "does not answer" in found[down.name]["message"]
    assert "sudo on back-" in found[rights.name]["message"]
    assert all(found[server.name]["hint"] for server in (down, rights))

    fleet.start_sshd(down)
    fleet.go_as("root", rights)
    done, summary = fleet.enroll()
    assert (done.code, summary["done"], summary["skipped"]) == (0, 2, len(others)), done
    assert_all_log_in(fleet)


@pytest.mark.long
def test_all_are_brought_back_into_step(fleet: Fleet) -> None:
    """One is so far ahead that no knock of ours opens it: that one needs another way."""
    far, *_ = fleet.servers
    (client,) = far.status()["pairings"]
    far.sshknock("sync", client["name"], "--at-least", "500")
    done, summary = fleet.run("sync", "--all")
    assert (done.code, summary["done"]) == (1, len(fleet.servers) - 1), done
    (failed,) = (server for server in summary["servers"] if server["result"] == "failed")
    assert failed["name"] == far.name
    assert "--search" in failed["hint"]
    fleet.laptop.sshknock("sync", far.name, "--via", f"back-{far.name}")
    done, summary = fleet.run("sync", "--all")
    assert summary["done"] == len(fleet.servers), done


@pytest.mark.long
def test_all_get_new_secrets_and_what_is_left_is_known(fleet: Fleet) -> None:
    """One is down: the others have new secrets; `--left` does that one, and no other once more."""
    *_, down = fleet.servers
    before = fleet.ids()
    down.stop_sshd()
    done, summary = fleet.run("rotate", "--all")
    assert (done.code, summary["failed"]) == (1, 1), done
    fleet.start_sshd(down)
    between = fleet.ids()
    assert {name for name in before if before[name] == between[name]} == {down.name}
    done, summary = fleet.run("rotate", "--left")
    assert (done.code, results(summary)) == (0, {down.name: "done"}), done
    after = fleet.ids()
    assert {name for name in between if between[name] != after[name]} == {down.name}
    assert_all_log_in(fleet)


@pytest.mark.long
def test_a_password_is_typed_once_for_all_who_may_have_it(fleet: Fleet) -> None:
    """Each sudo wants it; after a yes of its own it goes to the others of this run too."""
    some = fleet.servers
    for server in some:
        server.run(["chpasswd", "-c", "SHA512"], input="alice:tulip\n")
        path = f"{server.place.programs}:/usr/sbin:/usr/bin:/sbin:/bin"
        rule = f'Defaults secure_path="{path}"\nalice ALL=(ALL) ALL\n'
        server.put("/etc/sudoers.d/lab", rule, 0o440)
    config = "/run/home/root/.ssh/config"
    before = fleet.laptop.read(config)
    fleet.laptop.put(config, f"Host web?\n    User alice\n{before}", 0o600)
    with Terminal(fleet.laptop) as terminal:
        terminal.type("sshknock rotate " + " ".join(server.name for server in some))
        eventually(lambda: "sudo password on " in terminal.text(), "a question", timeout_s=30)
        terminal.type("tulip")
        eventually(lambda: "[y/N]" in terminal.text(), "the other question", timeout_s=30)
        terminal.type("y")
        eventually(terminal.is_ready, "the end", timeout_s=60)
        shown = terminal.text()
    fleet.laptop.put(config, before, 0o600)
    assert shown.count("sudo password on ") == 1, shown
    assert f"{len(some)} rotated, of {len(some)}" in shown
    assert "tulip" not in shown


@pytest.mark.long
def test_the_memory_that_is_needed_does_not_grow_with_the_servers(lab: Lab) -> None:
    """Twelve servers, four at a time, take hardly more of it than one."""
    fleet = Fleet(lab, 12)
    everybody = [server.name for server in fleet.servers]
    words = ("enroll", "--inventory", INVENTORY, "--keyring", "file", "--jobs", "4")
    fleet.put_inventory(everybody[0])
    one = measured(fleet, *words)
    fleet.put_inventory(*everybody)
    all_of_them = measured(fleet, *words)
    assert all_of_them.megabytes < 1.3 * one.megabytes
