"""Our block of knockd.conf: doors, decoys and the guard, each a section."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from sshknock.errors import SystemFault
from sshknock.protocol.knocks import Knock, Purpose, format_sequence
from sshknock.server.engines.base import Door
from sshknock.server.engines.knockd import conf, decoys
from sshknock.server.firewall import table
from sshknock.server.installation.program import this_program
from sshknock.system.processes import program

SEQ_TIMEOUT_S = 6
"""knockd counts whole seconds over the whole sequence, and T means at least T - 1."""

_GUARD_TIMEOUT_S = 2_000_000_000
_COMMAND_LONGEST = 4000
_ADDRESS = "%IP%"
# A knock is a bare SYN; knockd's "syn" alone would also take SYN and ACK. A space is an error.
_TCP_FLAGS = "syn,!ack"


@dataclass(frozen=True, slots=True)
class Block:
    """Our sections as text, and what is needed besides them to run and to judge them."""

    text: str
    guard: Knock
    sweep_chance: float


def build(doors: Sequence[Door], seed: bytes, timeout_s: int) -> Block:
    """Return the block for these doors.

    ``seed`` chooses decoys and guard, which stay the same while no door takes their ports.
    ``timeout_s`` is how long an admission stands.
    """
    knocks = [knock for door in doors for knock in door.sequence]
    spare = decoys.choose(seed, knocks, decoys.DECOYS + 2)
    guard, decoy_knocks = spare[:2], spare[2:]
    sections = [_guard_section(guard)]
    sections += [_decoy_section(n, part) for n, part in enumerate(_parts(decoy_knocks), start=1)]
    sections += [_door_section(door, timeout_s) for door in doors]
    visible = len(set(knocks) | set(spare))
    return Block(
        text="\n".join(section.render() for section in sections),
        guard=guard[0],
        sweep_chance=decoys.sweep_chance([door.sequence for door in doors], visible),
    )


def _guard_section(guard: Sequence[Knock]) -> conf.Section:
    ports = ",".join(f"{knock.port}:udp" for knock in guard)
    return _section("sshknock-guard", ("sequence", ports), ("seq_timeout", str(_GUARD_TIMEOUT_S)))


def _parts(knocks: list[Knock]) -> list[list[Knock]]:
    size = decoys.PORTS_A_SECTION
    return [knocks[i : i + size] for i in range(0, len(knocks), size)]


def _decoy_section(number: int, knocks: Sequence[Knock]) -> conf.Section:
    return _section(
        f"sshknock-decoys-{number}",
        ("sequence", f"0:tcp,{format_sequence(tuple(knocks))}"),
        ("tcpflags", _TCP_FLAGS),
    )


def _door_section(door: Door, timeout_s: int) -> conf.Section:
    commands = {n: _command(door, n, timeout_s) for n in ("4", "6")}
    for command in commands.values():
        if len(command) > _COMMAND_LONGEST:
            raise SystemFault("a knockd command is longer than knockd can run")
    return _section(
        f"sshknock-{door.ticket}",
        ("sequence", format_sequence(door.sequence)),
        ("seq_timeout", str(SEQ_TIMEOUT_S)),
        ("tcpflags", _TCP_FLAGS),
        ("start_command", commands["4"]),
        ("start_command_6", commands["6"]),
    )


def _command(door: Door, version: str, timeout_s: int) -> str:
    """Return what knockd runs: one nft transaction, and when it succeeded, the hook.

    The transaction fails as a whole when the ticket is gone, so a door works once. An open door
    also asks for the claim that the sender of its last knock holds. Who played an open door's
    sequence and did not get it is noted for the log, by the kernel: no program of ours starts.
    """
    mark = str(door.ticket)
    statements = table.delete("tickets", [mark])
    if door.purpose is Purpose.OPEN:
        claim = f"{table.knock_element(door.sequence[-1])} . {_ADDRESS}"
        statements += table.delete(f"claims{version}", [claim])
        statements += table.remove("tickets", [str(ticket) for ticket in door.lower])
        statements += table.admit(_ADDRESS, version, timeout_s)
    elif door.admitted is not None:
        statements += table.remove(f"open{table.family(door.admitted)}", [str(door.admitted)])
    statements += table.add(f"used{version}", [f"{mark} . {_ADDRESS}"])
    command = f"{_nft(statements)} && exec {this_program().line('knock', mark, _ADDRESS)}"
    if door.purpose is Purpose.OPEN:
        late = table.add(f"late{version}", [f"{mark} . {_ADDRESS}"])
        command += f"; exec {_nft(late)}"
    return command


def _nft(statements: Sequence[str]) -> str:
    return shlex.join([str(program("nft", "nftables")), "; ".join(statements)])


def _section(name: str, *directives: tuple[str, str]) -> conf.Section:
    return conf.Section(name, directives, 0)
