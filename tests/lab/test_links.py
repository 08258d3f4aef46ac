"""Logins over bad links: one run of ssh succeeds, and both sides agree afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.lab import CLEAN, DISTANT, LOSSY, REORDERING, Client, Line, Link, Server
from tests.lab.conftest import Pair

pytestmark = pytest.mark.lab

WORST_S = 15
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


def test_logins_in_a_row_after_a_long_time_off_line(link: Link, pair: Pair) -> None:
    """Once the pair has met again, every login comes in, though the window lies far below."""
    link.become(Line(loss=1))
    for _ in range(20):
        pair.laptop.sshknock("open", "myserver", "--blind")
    link.become(CLEAN)
    pair.laptop.ssh("myserver", "true")
    met = pair.laptop.pairing()
    assert met["sent"] >= met["confirmed"] + 8, "the window lies below what was sent"
    for number in range(1, 5):
        pair.laptop.ssh("myserver", "true")
        # The very next counter; on a busy machine its train may come to nothing, then a later one.
        assert pair.laptop.pairing()["confirmed"] >= met["confirmed"] + number
    pair.in_step()
