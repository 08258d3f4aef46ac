"""What is concluded from what was seen, and in which order."""

from __future__ import annotations

import pytest

from sshknock.client.doctor.findings import Check, exit_code, note, ok, problem
from sshknock.client.doctor.packets import Answer, Heard, Plain
from sshknock.client.doctor.verdict import Evidence, kept_back, not_opened
from sshknock.records import record

REFUSED, SILENT = Plain(Answer.REFUSED), Plain(Answer.SILENT)
ALL = Heard(tcp=9, tcp_answered=9, udp=9, udp_answered=6)
NONE = Heard(tcp=9, udp=9)
PUBLIC, PRIVATE, SHARED = "198.51.100.7", "192.168.1.5", "100.64.0.5"
SERVER = "1.1.1.1"

GONE, STRANGER = "removed, disabled or rotated", "never opened for this pairing"
ENGINE, FAR = "no engine, or no sshd, runs", "far out of step"
ELSE = "1.1.1.1 port 22 is not this server's any more: 'sshknock set box"
ROUTER, CARRIER = "the router gives", "the carrier gives"
KNOCKS, UDP, TCP = "eats the knocks", "eats UDP", "eats TCP to high ports"
DOWN, MOVED, ALL_EATEN = "the server is down", "used to refuse", "eats everything"


@record
class Case:
    """What was seen, and the causes that follow, the likeliest first."""

    causes: tuple[str, ...]
    plain: Plain = REFUSED
    heard: Heard = ALL
    source: str = "8.8.8.8"
    known: bool = True
    refused_once: bool = False


CASES = {
    "every knock was answered": Case((GONE, ENGINE, FAR, ELSE)),
    "it never opened for us": Case((STRANGER, ENGINE, FAR, ELSE), known=False),
    "behind a router": Case((GONE, ENGINE, FAR, ELSE, ROUTER), source=PRIVATE),
    "behind a carrier's NAT": Case((CARRIER, GONE, ENGINE, FAR, ELSE), source=SHARED),
    "only SSH's port answers": Case((KNOCKS, GONE, ENGINE, FAR, ELSE), heard=NONE),
    "no UDP knock is answered": Case(
        (UDP, GONE, ENGINE, FAR, ELSE), heard=Heard(tcp=9, tcp_answered=9, udp=9)
    ),
    "no TCP knock is answered": Case(
        (TCP, GONE, ENGINE, FAR, ELSE), heard=Heard(tcp=9, udp=9, udp_answered=5)
    ),
    "too few UDP knocks to tell": Case(
        (GONE, ENGINE, FAR, ELSE), heard=Heard(tcp=9, tcp_answered=9, udp=2)
    ),
    "nothing answers": Case((DOWN, ALL_EATEN, GONE, ENGINE, FAR), plain=SILENT, heard=NONE),
    "nothing answers any more": Case(
        (MOVED, ALL_EATEN, GONE, ENGINE, FAR), plain=SILENT, heard=NONE, refused_once=True
    ),
    "a silent port, but answered knocks": Case((GONE, ENGINE, FAR, ELSE), plain=SILENT),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_causes_and_their_order(case: Case) -> None:
    """Each is numbered, and what decides between them on the server stands at the end."""
    finding = not_opened(
        Evidence(
            name="box",
            host="box.example",
            port=22,
            address=SERVER,
            source=case.source,
            plain=case.plain,
            heard=case.heard,
            trains=6,
            known=case.known,
            refused_once=case.refused_once,
            ports=(3000, 65000),
        )
    )
    assert "did not open port 22 for any of 6 sequences" in finding.what
    _, *causes, decides = finding.todo
    assert len(causes) == len(case.causes), causes
    for number, (cause, expected) in enumerate(zip(causes, case.causes, strict=True), start=1):
        assert cause.startswith(f"{number}. ")
        assert expected in cause
    for command in ("sshknock-server doctor", "status", "log"):
        assert command in decides
    assert exit_code([finding]) == 5


@pytest.mark.parametrize(
    ("heard", "plain", "word"),
    [
        (Heard(udp=5, udp_forbidden=5), REFUSED, "UDP"),
        (Heard(tcp=5, tcp_dropped_here=True), REFUSED, "TCP"),
        (Heard(), Plain(Answer.SILENT, dropped_here=True), "TCP"),
        (Heard(), Plain(Answer.FORBIDDEN), "TCP"),
    ],
)
def test_what_this_machine_keeps_back_is_certain(heard: Heard, plain: Plain, word: str) -> None:
    """One cause, no list, and exit 1: it is known what is wrong."""
    finding = kept_back(heard, plain)
    assert finding is not None
    assert f"this machine's own firewall drops {word}" in finding.what
    assert exit_code([finding]) == 1


def test_nothing_kept_back_is_no_finding() -> None:
    """Neither by what was answered nor by silence alone."""
    assert kept_back(ALL, REFUSED) is None
    assert kept_back(NONE, SILENT) is None


def test_the_exit_code_is_that_of_the_deepest_problem() -> None:
    """No problem 0, a problem 1, not opened 5, the keyring 4; notes count for nothing."""
    opening, keyring = problem(Check.OPENING, "shut"), problem(Check.KEYRING, "locked")
    assert exit_code([ok(Check.SSH, "fine"), note(Check.FAMILY, "odd")]) == 0
    assert exit_code([problem(Check.SSH, "odd"), ok(Check.OPENING, "open")]) == 1
    assert exit_code([problem(Check.SSH, "odd"), opening]) == 5
    assert exit_code([opening, keyring]) == 4


def test_heard_adds_up_over_trains() -> None:
    """Counts are summed, and a drop here in any train counts."""
    one = Heard(tcp=2, tcp_answered=1, tcp_dropped_here=True, udp=3, udp_forbidden=1)
    assert one + ALL == Heard(
        11, 10, tcp_dropped_here=True, udp=12, udp_answered=6, udp_forbidden=1
    )
    assert (one.left, ALL.answered) == (4, 15)
