"""Logins over bad links: one run of ssh succeeds, and both sides agree afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from sshknock.protocol.counters import ClientCounters, attempts_of_a_run
from tests.lab import CLEAN, DISTANT, LOSSY, REORDERING, Client, Line, Link, Server, eventually
from tests.lab.conftest import Pair

pytestmark = pytest.mark.lab

WORST_S = 15
WINDOW = 8
LINES = {
    "8 % loss": LOSSY,
    "30 % reordering, 12 ms jitter": REORDERING,
    "160 ms round trip": DISTANT,
}
A_SAMPLE, THE_TARGET = 3, 15

every_line = pytest.mark.parametrize("line", LINES.values(), ids=LINES)


@pytest.fixture(scope="module")
def link(pair: Pair) -> Link:
    """The laptop's link, with an emulator in it."""
    return pair.lab.link(pair.laptop)


@pytest.fixture(autouse=True)
def _clean_and_in_step(pair: Pair, link: Link) -> Iterator[None]:
    """After every test, on a clean line: both sides agree."""
    yield
    link.become(CLEAN)
    pair.in_step()


def log_in(laptop: Client, times: int) -> None:
    """Log in with plain ssh, one run after the other, each within the time."""
    for number in range(times):
        before, started = laptop.pairing()["sent"], time.monotonic()
        done = laptop.ssh("myserver", "true", check=False, timeout_s=60)
        took_s = time.monotonic() - started
        attempts = laptop.pairing()["sent"] - before
        seen = f"run {number} took {took_s:.1f} s and {attempts} trains: {done}"
        assert done.code == 0, seen
        assert took_s < WORST_S, seen


@every_line
def test_ssh_comes_through(laptop: Client, link: Link, line: Line) -> None:
    """A few runs over each of three bad lines."""
    link.become(line)
    log_in(laptop, A_SAMPLE)


@pytest.mark.long
@every_line
def test_ssh_comes_through_every_time(laptop: Client, link: Link, line: Line) -> None:
    """Fifteen runs of fifteen over each of three bad lines, the worst within 15 s."""
    link.become(line)
    log_in(laptop, THE_TARGET)


def test_ssh_comes_through_a_line_with_every_fault(laptop: Client, link: Link) -> None:
    """Some loss, jitter, duplicates and reordering, all at once."""
    link.become(Line(delay_s=0.030, jitter_s=0.010, loss=0.03, duplicate=0.03, reorder=0.05))
    log_in(laptop, A_SAMPLE)


def test_a_file_comes_through(laptop: Client, server: Server, link: Link) -> None:
    """A copy over a lossy line is whole: the relay adds nothing to what TCP mends."""
    text = "".join(f"{number:063d}\n" for number in range(1 << 11))
    link.become(Line(delay_s=0.005, loss=0.02))
    laptop.ssh("myserver", "cat > copy", input=text, timeout_s=60)
    assert server.read("/run/home/root/copy") == text


def go_off_line(pair: Pair, link: Link, trains: int) -> None:
    """Send trains that all are lost."""
    link.become(Line(loss=1))
    for _ in range(trains):
        pair.laptop.sshknock("open", "myserver", "--blind")


def back_on_line(pair: Pair, link: Link) -> dict[str, Any]:
    """Log in after a long time off line; what the laptop knows then."""
    go_off_line(pair, link, 20)
    link.become(CLEAN)
    eventually(lambda: comes_in(pair), "the pair has met again", timeout_s=90)
    return pair.laptop.pairing()


def comes_in(pair: Pair) -> bool:
    """Whether a plain ssh works, or the server at least heard the right train.

    Each train that it does not expect touches a tripwire at 2 % (docs/adr/0007), and the right one
    soon after that opens nothing. And it may open too late to be seen, on a busy machine.
    """

    def heard() -> int:
        events = pair.server.sshknock("log").stdout.split()
        return events.count("open") + events.count("refused")

    before = heard()
    done = pair.laptop.ssh("myserver", "true", check=False)
    if done.code == 0:
        return True
    eventually(lambda: heard() > before, f"the server heard of {done}", timeout_s=30)
    return False


def trains_of_a_run(confirmed: int) -> list[int]:
    """Return the counters of a run of which none arrives, after as many trains as the window."""
    counters, sent = ClientCounters(confirmed, confirmed, strong=confirmed), []
    for _ in range(WINDOW):
        _, counters = counters.next(0, WINDOW)
    for attempt in range(attempts_of_a_run(WINDOW)):
        counter, counters = counters.next(attempt, WINDOW)
        sent.append(counter)
    return sent


def is_level(pair: Pair) -> bool:
    """Tell whether the train that was confirmed is the highest that was sent."""
    here = pair.laptop.pairing()
    return bool(here["confirmed"] == here["sent"])


def is_in_step(pair: Pair) -> bool:
    """Tell whether the train that was confirmed is the one that opened."""
    return bool(pair.server.pairing("laptop")["next"] == pair.laptop.pairing()["confirmed"] + 1)


@pytest.fixture
def known_neighbours(pair: Pair) -> Iterator[None]:
    """The laptop keeps no packet back because it looks for the server's hardware address."""
    address = (pair.server.ipv4, "dev", "eth0")
    known = ("lladdr", pair.server.place.mac, "nud", "permanent")
    pair.laptop.run(["ip", "neigh", "replace", *address, *known])
    yield
    pair.laptop.run(["ip", "neigh", "del", *address])


@pytest.mark.usefixtures("known_neighbours")
def test_after_a_login_by_a_late_train_the_next_ssh_comes_in(link: Link, pair: Pair) -> None:
    """The line holds all trains back and delivers them when others have been sent since.

    As a Wi-Fi that wakes up, or a router that has to find the server first. The one that opens is
    the run's first, and the last one is confirmed.
    """
    for _ in range(3):
        confirm_a_late_train(link, pair)
        if comes_in(pair):
            return
    pytest.fail("the next ssh never came in")


def confirm_a_late_train(link: Link, pair: Pair) -> None:
    """Let a door open by the first train of a run, and the run confirm its last one."""
    eventually(lambda: comes_in(pair) and is_level(pair), "no train was in vain", timeout_s=90)
    pair.in_step()
    go_off_line(pair, link, WINDOW)
    before = pair.laptop.pairing()
    opening, *_, sixth, seventh, eighth = trains_of_a_run(before["confirmed"])
    assert before["sent"] == opening, "nothing was lost before"
    assert opening not in (sixth, seventh, eighth)
    link.become(Line(held=True))
    with (
        pair.laptop.capture() as capture,
        pair.laptop.popen(["ssh", "-o", "BatchMode=yes", "myserver", "true"]) as login,
    ):
        first_knock = pair.laptop.train(sixth)[0]
        eventually(
            lambda: first_knock in {packet.knock for packet in capture.knocks(pair.laptop.ipv4)},
            "the sixth train leaves",
            timeout_s=WORST_S,
        )
        link.become(CLEAN)
        done = login.end()
    assert done.code == 0, done
    assert pair.server.pairing("laptop")["next"] == opening + 1
    assert pair.laptop.pairing()["confirmed"] != opening, "another train was confirmed"


def test_logins_in_a_row_after_a_long_time_off_line(link: Link, pair: Pair) -> None:
    """Once the pair has met again, every login comes in, though the window lies far below."""
    met = back_on_line(pair, link)
    while met["sent"] < met["confirmed"] + WINDOW or not is_in_step(pair):
        met = back_on_line(pair, link)  # the first train was late, and the last one confirmed
    for number in range(1, 5):
        pair.laptop.ssh("myserver", "true")
        # The very next counter; on a busy machine its train may come to nothing, then a later one.
        assert pair.laptop.pairing()["confirmed"] >= met["confirmed"] + number
    pair.in_step()
