"""Fixtures of the lab tests: the product, and labs whose logs are kept when a test fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab import Client, Installation, Lab, Server, eventually

LOGS = Path(__file__).parents[2] / ".lab-logs"
LABS = pytest.StashKey[list[Lab]]()
"""The labs that are up now."""
FINISHED = pytest.StashKey[list[ExitStack]]()
"""What takes down the labs whose fixtures have ended."""

ADMITTED_S = 30
"""How long an admission stands where nobody chose (`sshknock-server init --timeout`)."""

OpenLab = Callable[[], Lab]


def pytest_configure(config: pytest.Config) -> None:
    """No lab is up."""
    config.stash[LABS] = []
    config.stash[FINISHED] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The smoke test first: where it fails, the others' failures say nothing new."""
    items.sort(key=lambda item: "test_smoke.py" not in item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """After a failure the logs of all labs that are up are copied to `.lab-logs/<test>/`."""
    report = yield
    labs = item.config.stash[LABS]
    if report.failed and labs:
        name = re.sub(r"[^\w.-]+", "-", item.nodeid.rpartition("/")[2]).strip("-")
        for number, lab in enumerate(labs):
            lab.keep_logs(LOGS / name / str(number) if number else LOGS / name)
        report.sections.append(("lab", f"the lab's logs are in {LOGS / name}"))
    if call.when == "teardown":
        close_finished(item.config)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """An interrupted run reports no teardown."""
    close_finished(session.config)


def close_finished(config: pytest.Config) -> None:
    """Take down the labs that no test needs any more."""
    while config.stash[FINISHED]:
        config.stash[FINISHED].pop().close()


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    """The product, built and installed once."""
    with Installation() as installed:
        yield installed


def _labs(config: pytest.Config, installation: Installation | None) -> Iterator[OpenLab]:
    """Yield a function that makes labs.

    They outlive their fixture for a moment: what a later step of the same teardown finds wrong is
    to be seen in their logs too.
    """
    labs = config.stash[LABS]
    stack = ExitStack()

    def open_lab() -> Lab:
        lab = stack.enter_context(Lab(installation))
        labs.append(lab)
        stack.callback(labs.remove, lab)
        return lab

    yield open_lab
    config.stash[FINISHED].append(stack)


@pytest.fixture(scope="module")
def open_module_lab(
    request: pytest.FixtureRequest, installation: Installation
) -> Iterator[OpenLab]:
    """Makes labs that last for all tests of a file."""
    yield from _labs(request.config, installation)


@dataclass(frozen=True, slots=True)
class Pair:
    """A hidden server and a laptop that is enrolled as `myserver`."""

    lab: Lab
    server: Server
    laptop: Client

    def in_step(self) -> None:
        """Hold that both sides are at the same counter, and that all sessions are over."""

        def settled() -> bool:
            here, there = self.laptop.pairing("myserver"), self.server.pairing("laptop")
            seen = f"client {here}, server {there}"
            assert there["next"] == here["confirmed"] + 1, seen
            assert there["sessions"] == here["sessions"] == 0, seen
            return True

        eventually(settled, "client and server in step, no sessions")

    def shut(self) -> None:
        """Wait until the laptop is admitted no more.

        A `timed` admission whose close train was lost, or came before knockd knew of its door (a
        very short session), ends with its own time.
        """
        eventually(
            lambda: self.laptop.connects(self.server.ipv4) == "refused",
            "the door is shut",
            timeout_s=ADMITTED_S + 10,
        )


@pytest.fixture(scope="module")
def pair(open_module_lab: OpenLab) -> Pair:
    """One pair for all tests of a file."""
    return make_pair(open_module_lab())


@pytest.fixture
def server(pair: Pair) -> Server:
    """The hidden server of the file's pair, which may be the file's own."""
    return pair.server


@pytest.fixture
def laptop(pair: Pair) -> Client:
    """The enrolled client."""
    return pair.laptop


def make_pair(lab: Lab, *options: str) -> Pair:
    """Set a server up, with more options of `init`, and pair a laptop with it."""
    server, laptop = lab.server(), lab.client()
    server.init(*options)
    laptop.enroll(server)
    return Pair(lab, server, laptop)


@pytest.fixture
def lab(request: pytest.FixtureRequest, installation: Installation) -> Iterator[Lab]:
    """A lab of one test's own."""
    for open_lab in _labs(request.config, installation):
        yield open_lab()
