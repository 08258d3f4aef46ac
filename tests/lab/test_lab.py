"""The laboratory itself: what the other tests rest on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Host, Lab, eventually
from tests.lab.folders import OwnedFolder

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def bare() -> Iterator[Lab]:
    """Two hosts without the product."""
    with Lab() as lab:
        lab.host("left")
        lab.host("right")
        yield lab


@pytest.fixture
def left(bare: Lab) -> Host:
    """One of them."""
    return bare.hosts["left"]


@pytest.fixture
def right(bare: Lab) -> Host:
    """The other."""
    return bare.hosts["right"]


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_hosts_reach_each_other_at_once(left: Host, right: Host, family: str) -> None:
    """No address waits for duplicate detection: a closed port refuses the first connection."""
    assert left.connects(getattr(right, family), 22) == "refused"


@pytest.mark.parametrize("ipv6", [False, True])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_sweep_reaches_every_port_in_its_order(
    left: Host, right: Host, transport: str, ipv6: bool
) -> None:
    """65535 raw packets with right checksums arrive in the order in which they were sent."""
    ports = list(range(65535, 0, -1))
    with right.capture() as capture:
        left.station(right, ipv6=ipv6).sweep(ports, transport)
        own = left.ipv6 if ipv6 else left.ipv4

        def arrived() -> list[int]:
            return [
                p.port for p in list(capture.packets) if (p.source, p.transport) == (own, transport)
            ]

        eventually(lambda: len(arrived()) == len(ports), "all packets arrived", timeout_s=30)
    assert arrived() == ports
    if transport == "tcp":
        resets = [p for p in capture.packets if p.destination == own and "R" in p.flags]
        assert len(resets) == len(ports), "the kernel took every SYN for a valid one"


def test_a_host_writes_nothing_outside(left: Host, right: Host) -> None:
    """A file in /etc of one host is on no other host and not on the machine."""
    left.put("/etc/sshknock/of-the-lab", "text\n")
    assert left.run(["cat", "/etc/sshknock/of-the-lab"]).stdout == "text\n"
    assert not right.path("/etc/sshknock/of-the-lab").exists()
    assert not Path("/etc/sshknock/of-the-lab").exists()


def test_a_shadow_repeats_each_knock_in_order(bare: Lab, left: Host, right: Host) -> None:
    """What the victim sends is sent again from the eavesdropper's address."""
    eavesdropper = bare.host("eavesdropper")
    train = [(4001, "tcp"), (4002, "udp"), (4003, "udp")]
    with right.capture() as capture, eavesdropper.shadow(right, left, delay_s=0.005) as shadow:
        left.replay(right, train)
        eventually(lambda: len(capture.knocks()) == 6, "both trains arrived")
    assert shadow.repeated == train
    assert [knock.knock for knock in capture.knocks(eavesdropper.ipv4)] == train


def test_a_program_that_hangs_is_killed_and_named(left: Host) -> None:
    """The time limit ends the program with its children."""
    with pytest.raises(AssertionError, match=r"not done after 0\.2 s: sh -c 'sleep 1234; true'"):
        left.run(["sh", "-c", "sleep 1234; true"], timeout_s=0.2)
    eventually(lambda: not left.processes("sleep"), "the children have ended, too")


def test_orphans_end_with_the_lab() -> None:
    """A daemon that has left its session and its parent does not outlive the lab."""
    with Lab() as lab:
        host = lab.host("left")
        host.run(["sh", "-c", "setsid -f sleep 1235 >/dev/null 2>&1"])
        eventually(lambda: host.processes("sleep"), "the orphan runs")
        (pid,) = host.processes("sleep")
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_survives_the_process_of_a_lab(number: signal.Signals) -> None:
    """However the test process ends, its hosts end with it, and the next lab removes its folder."""
    program = (
        "import tests.lab, time\n"
        "with tests.lab.Lab() as lab:\n"
        "    lab.host('left').popen(['sleep', '1236'])\n"
        "    print(lab.hosts['left'].namespaces.pid, lab.logs, flush=True)\n"
        "    while True:\n"  # signal.pause() would never hear of one that came right before it
        "        time.sleep(0.1)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as other:
        assert other.stdout is not None
        pid, logs = other.stdout.readline().split()
        os.kill(other.pid, number)
    eventually(lambda: not Path(f"/proc/{pid}").exists(), "the host's init ended")
    with Lab():
        assert not Path(logs).exists()


def test_a_folder_in_use_is_not_taken_for_a_stale_one(tmp_path: Path) -> None:
    """Two labs side by side leave each other's folders alone."""
    first = OwnedFolder(tmp_path, "lab-")
    second = OwnedFolder(tmp_path, "lab-")
    assert first.path.is_dir()
    first.remove()
    second.remove()
    assert list(tmp_path.iterdir()) == []
