"""SIGKILL at every step of a save, on both sides: the next plain ssh works, the counters agree."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection

import pytest

from tests.lab import Completed, Lab, Server, eventually, faults
from tests.lab.conftest import OpenLab, Pair, make_pair
from tests.lab.faults import Step
from tests.lab.faults_victims import hooks, paused, supervisors

pytestmark = pytest.mark.lab

TOOL_CALLS = ("rename", "unlink", "fsync", "vfork", "flock")
"""Where what a command has done so far differs: files in place, commits, programs that ran."""
SOME_OR_ALL = pytest.mark.parametrize(
    "stride",
    [pytest.param(7, id="some steps"), pytest.param(1, id="all steps", marks=pytest.mark.long)],
)
FOLDERS = ("/etc/sshknock", "/var/lib/sshknock", "/run/sshknock")
MACHINE_IS_BUSY_S = 60
HOOK_CALLS = ("fsync", "rename", "unlink", "vfork")
"""Nothing of a server calls these but our hooks and what they start."""


@pytest.fixture(scope="module")
def pair(open_module_lab: OpenLab) -> Pair:
    """One pair for all; what a killed login left admitted is soon admitted no more."""
    return make_pair(open_module_lab(), "--timeout", "3s")


def kill_at_each_step(
    run: Callable[[list[str]], str],
    recovered: Callable[[Step], None],
    stride: int,
    calls: Collection[str] = faults.SAVING,
) -> None:
    """Make a run under strace once undisturbed, then once a step; ``run`` returns strace's log.

    Steps are those of ``calls``.
    """
    found = [step for step in faults.steps(run(faults.watched())) if step.call in calls]
    steps = found[::stride]
    struck = 0
    for step in steps:
        struck += faults.struck(run(step.killed()))
        recovered(step)
    # What a run does depends on what the last one left, and on what the supervisor does meanwhile.
    assert struck >= len(steps) // 2, (struck, list(map(str, steps)))


def in_again(pair: Pair, step: Step) -> None:
    """One plain ssh works, and then both sides are at the same counter."""
    done = pair.laptop.ssh("myserver", "echo in", check=False)
    assert (done.code, done.stdout) == (0, "in\n"), f"after a kill at {step}: {done}"
    pair.in_step()


@SOME_OR_ALL
def test_of_the_proxy(pair: Pair, stride: int) -> None:
    """Around each write, fsync and rename of the keyring's file, each lock and each knock."""

    def login(options: list[str]) -> str:
        helper = " ".join(faults.under(options, "sshknock-proxy", "%h", "%p"))
        pair.laptop.ssh("-o", f"ProxyCommand={helper}", "myserver", "true", check=False)
        return faults.settled(pair.laptop)

    kill_at_each_step(login, lambda step: in_again(pair, step), stride)


def killed_tool(server: Server, options: list[str], *arguments: str) -> tuple[Completed, str]:
    """Run sshknock-server under strace; return how it ended and strace's log."""
    done = server.run(faults.under(options, "sshknock-server", *arguments), check=False)
    return done, faults.settled(server)


@SOME_OR_ALL
def test_of_client_add_and_remove(pair: Pair, stride: int) -> None:
    """What was begun can be done again, or is done; nobody else's pairing notices."""
    server = pair.server

    def add(options: list[str]) -> str:
        server.path("/run/second.token").unlink(missing_ok=True)
        _, log = killed_tool(
            server, options, "client", "add", "second", "--token-file", "/run/second.token"
        )
        return log

    def remove(options: list[str]) -> str:
        server.sshknock("client", "add", "second", check=False)
        _, log = killed_tool(server, options, "client", "remove", "second")
        return log

    def no_second(step: Step) -> None:
        in_again(pair, step)
        server.sshknock("client", "remove", "second", check=False)
        assert [p["name"] for p in server.status()["pairings"]] == ["laptop"]

    kill_at_each_step(add, no_second, stride, TOOL_CALLS)
    kill_at_each_step(remove, no_second, stride, TOOL_CALLS)


@SOME_OR_ALL
def test_of_the_books(pair: Pair, stride: int) -> None:
    """Around each page and each fsync of a transaction that moves a counter: done or not done."""
    server = pair.server

    def sync(options: list[str]) -> str:
        least = str(server.pairing("laptop")["next"] + 1)
        return killed_tool(server, options, "sync", "laptop", "--at-least", least)[1]

    kill_at_each_step(sync, lambda step: in_again(pair, step), stride * 2)


@SOME_OR_ALL
def test_of_a_door_that_is_used_before_it_goes(pair: Pair, stride: int) -> None:
    """Killed between books and kernel, `client disable` leaves a door that is good once at most."""
    server, laptop = pair.server, pair.laptop
    attacker = pair.lab.hosts.get("attacker") or pair.lab.host("attacker")

    def disable(options: list[str]) -> str:
        return killed_tool(server, options, "client", "disable", "laptop")[1]

    def enabled_again(step: Step) -> None:
        last = laptop.pairing()["confirmed"] + 1
        laptop.ssh("-o", "ConnectTimeout=2", "myserver", "true", check=False)
        server.sshknock("client", "enable", "laptop")
        confirmed = laptop.pairing()["confirmed"]
        if confirmed == last:
            attacker.replay(server, laptop.train(last))
            assert attacker.connects(server.ipv4) == "refused", step
        in_again(pair, step)

    kill_at_each_step(disable, enabled_again, stride, ("vfork", "unlink"))


@SOME_OR_ALL
def test_of_a_reconcile_that_has_all_to_do(pair: Pair, stride: int) -> None:
    """The table is gone and knockd too: half of a rebuilt server is rebuilt by the next call."""
    server = pair.server

    def rebuild(options: list[str]) -> str:
        eventually(lambda: supervisors(server), "a supervisor runs", timeout_s=MACHINE_IS_BUSY_S)
        with paused(supervisors(server)):  # it would be quicker
            server.run(["nft", "flush", "ruleset"])
            return killed_tool(server, options, "reconcile")[1]

    def rebuilt(step: Step) -> None:
        server.sshknock("reconcile")
        in_again(pair, step)
        assert server.status()["exposed"] is False

    kill_at_each_step(rebuild, rebuilt, stride, TOOL_CALLS)


@SOME_OR_ALL
def test_of_init_that_changes_settings(pair: Pair, stride: int) -> None:
    """The old settings or the new ones: logins work, and a second init does the rest."""
    server = pair.server
    timeouts = itertools.cycle(("4s", "3s"))

    def change(options: list[str]) -> str:
        return killed_tool(server, options, "init", "--yes", "--timeout", next(timeouts))[1]

    def changed(step: Step) -> None:
        in_again(pair, step)
        server.init()
        assert server.sshknock("render", "--check", check=False).code == 0

    kill_at_each_step(change, changed, stride, TOOL_CALLS)


@SOME_OR_ALL
def test_of_the_first_init_and_of_uninstall(lab: Lab, stride: int) -> None:
    """A second call completes the first: hidden after init, no trace after uninstall."""
    server, stranger = lab.server(), lab.host("stranger")

    def init(options: list[str]) -> str:
        words = ("init", "--service", "own", "--yes")
        return killed_tool(server, options, *words)[1]

    def hidden(_: Step) -> None:
        server.init()
        assert stranger.connects(server.ipv4) == "refused"
        server.sshknock("uninstall", "--yes")

    def uninstall(options: list[str]) -> str:
        server.init()
        return killed_tool(server, options, "uninstall", "--yes")[1]

    def visible(step: Step) -> None:
        server.sshknock("uninstall", "--yes")
        assert stranger.connects(server.ipv4) == "open", step
        assert server.processes("knockd") == {}
        left = [path for path in FOLDERS if server.path(path).exists()]
        assert left == [], step

    kill_at_each_step(init, hidden, stride * 2, TOOL_CALLS)
    server.sshknock("uninstall", "--yes")
    kill_at_each_step(uninstall, visible, stride)


@SOME_OR_ALL
def test_of_the_hooks_of_knockd_and_pam_and_of_the_supervisor(pair: Pair, stride: int) -> None:
    """Every hook that gets that far dies, in the midst of a login: nothing of it is missed."""
    log = pair.lab.logs / "hooks.strace"

    def login(options: list[str]) -> str:
        with faults.attached(pair.server.processes(), options, log):
            # It may fail: where the shell that runs nft dies as well, no door opens.
            pair.laptop.ssh("-o", "ConnectTimeout=3", "myserver", "true", check=False)
            eventually(
                lambda: not hooks(pair.server), "the hooks have ended", timeout_s=MACHINE_IS_BUSY_S
            )
        return log.read_text()

    steps = [step for step in faults.steps(login(faults.watched())) if step.call in HOOK_CALLS]
    struck = 0
    for step in steps[::stride]:
        struck += faults.struck(login(step.killed()))
        in_again(pair, step)
    assert struck >= len(steps[::stride]) * 3 // 4, (struck, list(map(str, steps)))
