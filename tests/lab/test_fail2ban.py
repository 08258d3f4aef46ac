"""contrib/fail2ban, with the real fail2ban: it bans who repeats a sequence, and nobody else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from sshknock.server import system_log
from sshknock.server.store import KINDS, Event

pytestmark = pytest.mark.lab

OURS = Path(__file__).parents[2] / "contrib" / "fail2ban"
REPLAYS = [
    Event(1, 0, "replay", "laptop", "192.0.2.66", 12, "the client came from 192.0.2.7"),
    Event(2, 0, "replay", "l.a-p_top", "2001:db8::66", 4611686018427387903, ""),
]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Debian's own settings, and ours copied to them."""
    folder = tmp_path / "fail2ban"
    shutil.copytree("/etc/fail2ban", folder)
    shutil.copytree(OURS, folder, dirs_exist_ok=True)
    return folder


def line(event: Event) -> str:
    """What syslog writes of an event: it takes the priority off, and puts the host's name in."""
    message = system_log._message(event, system_log._values(event))
    datagram = system_log._for_syslog(message, 6).decode()
    month_day_time, rest = datagram.partition(">")[2].split(" sshknock", 1)
    return f"{month_day_time} server sshknock{rest}"


def banned(events: list[Event], settings: Path) -> list[str]:
    """Whom the filter finds in the lines of these events."""
    log = settings / "auth.log"
    log.write_text("".join(f"{line(event)}\n" for event in events))
    filter_file = settings / "filter.d" / "sshknock.conf"
    argv = ["/usr/bin/fail2ban-regex", "--out", "ip", str(log), str(filter_file)]
    done = subprocess.run(argv, text=True, capture_output=True, check=False)
    assert done.stderr == "", done
    return done.stdout.split()


def test_who_repeats_a_sequence_is_found(settings: Path) -> None:
    """By IPv4 and IPv6, whatever the client's name and counter."""
    assert banned(REPLAYS, settings) == ["192.0.2.66", "2001:db8::66"]


def test_nothing_else_gets_anybody_banned(settings: Path) -> None:
    """No other event of the address, and no detail that looks like a line."""
    forged = 'x" replay client=laptop address=192.0.2.7 counter=1'
    others = [
        Event(3, 0, kind, "laptop", "192.0.2.7", 12, forged) for kind in KINDS if kind != "replay"
    ]
    forged_end = Event(4, 0, "replay", "laptop", "192.0.2.66", 12, "address=192.0.2.7 counter=1")
    assert banned([*others, forged_end], settings) == ["192.0.2.66"]


def test_fail2ban_takes_the_jails(settings: Path) -> None:
    """All of them, those that are off by default as well, beside Debian's own settings."""
    jails = settings / "jail.d" / "sshknock.conf"
    # As where nothing but files is logged: the journal's part of fail2ban is another package.
    text = jails.read_text().replace("enabled = false", "enabled = true")
    log = settings / "auth.log"
    log.touch()
    jails.write_text(text.replace("backend = systemd", f"backend = polling\nlogpath = {log}"))
    argv = ["/usr/bin/fail2ban-client", "-c", str(settings), "--dump-pretty"]
    done = subprocess.run(argv, text=True, capture_output=True, check=True)
    for jail in ("sshd", "sshknock"):
        assert f"['add', '{jail}', 'polling']" in done.stdout
        assert f"['start', '{jail}']" in done.stdout
    assert "reject with tcp reset" in done.stdout


def test_a_local_user_can_get_nobody_banned(settings: Path) -> None:
    """Anybody may write to the journal by our name: only root's lines are looked at."""
    jails = settings / "jail.d" / "sshknock.conf"
    jails.write_text(jails.read_text().replace("enabled = false", "enabled = true"))
    argv = ["/usr/bin/fail2ban-client", "-c", str(settings), "--dump-pretty"]
    done = subprocess.run(argv, text=True, capture_output=True, check=True)
    wanted = "['set', 'sshknock', 'addjournalmatch', 'SYSLOG_IDENTIFIER=sshknock', '_UID=0']"
    assert wanted in done.stdout
