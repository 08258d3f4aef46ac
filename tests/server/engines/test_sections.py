"""Our block of knockd.conf: every door, decoys beside them, and nothing that knockd trips over."""

import ipaddress
import itertools
import random

import pytest
from hypothesis import given, settings

from sshknock.protocol.derivation import derive
from sshknock.protocol.knocks import Knock, Purpose, Transport, format_sequence
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret
from sshknock.records import replace
from sshknock.server.engines.base import Door, parse_sequence
from sshknock.server.engines.knockd import conf, decoys, sections
from tests.protocol import strategies

SEED = bytes(range(32))


def make_doors(secret: Secret, parameters: Parameters) -> tuple[Door, ...]:
    """A pairing's window of open doors, and the close door of a session."""
    opens = [
        Door(
            10 + n,
            Purpose.OPEN,
            derive(secret, Purpose.OPEN, n, parameters),
            tuple(range(10, 10 + n)),
        )
        for n in range(parameters.window)
    ]
    close = derive(secret, Purpose.CLOSE, 0, parameters)
    address = ipaddress.ip_address("2001:db8::7")
    return (*opens, Door(99, Purpose.CLOSE, close, admitted=address))


@pytest.fixture(autouse=True)
def _programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "program", lambda *_: "/usr/sbin/nft")


@settings(max_examples=25)
@given(strategies.secrets, strategies.parameters())
def test_a_block_reads_back_as_it_was_meant_and_fits_knockd(
    secret: Secret, parameters: Parameters
) -> None:
    """Every door stands in it with its knocks, and no line or command is too long for knockd."""
    doors = make_doors(secret, parameters)
    text = sections.build(doors, SEED, 30).text
    read = {section.name: section for section in conf.parse(text)}
    for door in doors:
        section = read[f"sshknock-{door.ticket}"]
        assert parse_sequence(section.value("sequence") or "") == door.sequence
        assert section.value("tcpflags") == "syn,!ack"
        assert "start_command_6" in dict(section.directives)
    assert max(len(line) for line in text.splitlines()) < 4096


@settings(max_examples=25)
@given(strategies.secrets, strategies.parameters())
def test_decoys_and_guard_never_take_a_door_s_port(secret: Secret, parameters: Parameters) -> None:
    """A decoy on a door's port could not reset that door."""
    doors = make_doors(secret, parameters)
    knocked = {knock.port for door in doors for knock in door.sequence}
    text = sections.build(doors, SEED, 30).text
    for section in conf.parse(text):
        if section.name.startswith(("sshknock-decoys", "sshknock-guard")):
            ports = {
                int(part.split(":")[0]) for part in (section.value("sequence") or "").split(",")
            }
            assert not ports & knocked


def test_an_open_door_takes_ticket_and_claim_and_closes_the_doors_below() -> None:
    """One transaction: the ticket, the claim of the last knock's sender, the lower tickets."""
    door = make_doors(Secret(SEED), Parameters())[2]
    (section,) = (
        s for s in conf.parse(sections.build((door,), SEED, 30).text) if s.name == "sshknock-12"
    )
    command = section.value("start_command") or ""
    last = door.sequence[-1]
    assert "delete element inet sshknock tickets { 12 }" in command
    assert f"claims4 {{ {last.transport.value} . {last.port} . %IP% }}" in command
    assert "delete element inet sshknock tickets { 10, 11 }" in command
    assert "add element inet sshknock used4 { 12 . %IP% }" in command
    assert "hook.py knock 12 %IP%" in command


def test_a_close_door_takes_back_the_address_that_its_open_door_admitted() -> None:
    """Not the address of whoever sends the close train."""
    door = make_doors(Secret(SEED), Parameters())[-1]
    text = sections.build((door,), SEED, 30).text
    section = next(s for s in conf.parse(text) if s.name == "sshknock-99")
    command = section.value("start_command") or ""
    assert "delete element inet sshknock open6 { 2001:db8::7 }" in command
    assert "open4" not in command


def test_the_chance_of_a_sweep_is_what_counting_all_orders_gives() -> None:
    """Three and four knocks among seven visible ports, every order of a sweep tried."""
    for length in (3, 4):
        visible = [Knock(port, Transport.TCP) for port in range(1, 8)]
        door = tuple(visible[:length])
        orders = list(itertools.permutations(visible))
        opened = sum(
            any(order[i : i + length] == door for i in range(8 - length)) for order in orders
        )
        assert decoys.sweep_chance([door], 7) == pytest.approx(opened / len(orders))


def test_decoys_stay_as_long_as_nobody_takes_their_ports() -> None:
    """Otherwise every new door would change every decoy."""
    before = decoys.choose(SEED, [])
    taken = replace(before[5], transport=Transport.UDP)
    after = decoys.choose(SEED, [taken])
    assert before[:5] == after[:5]
    assert before[6:] == after[5:-1]


def test_sequences_are_written_as_in_the_paper() -> None:
    """Figure 1's form, there and back."""
    rng = random.Random(1)
    for n in range(20):
        sequence = derive(Secret(rng.randbytes(32)), Purpose.OPEN, n, Parameters())
        assert parse_sequence(format_sequence(sequence)) == sequence
    assert format_sequence((Knock(13821, Transport.TCP), Knock(7803, Transport.UDP))) == (
        "13821:tcp,7803:udp"
    )
