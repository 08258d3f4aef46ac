"""What ``status`` shows to people: sentences on the port, a line a client, a line a session.

Names and addresses are never cut or folded: they can be copied, and found by grep. At a terminal
too narrow for all columns the less telling ones are left out instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group
from rich.text import Text

from sshknock.errors import one_line
from sshknock.server.cli.words import NO_CLIENTS, advice, hangs, listed, local_time
from sshknock.server.moments import ago, span
from sshknock.server.status import Line, Status

_GAP = "  "
_LEFT_OUT_FIRST = ("next", "doors", "counter", "port", "from", "last open")
_RIGHT = frozenset({"next", "doors", "running"})
_BAD, _GOOD, _WARNING = "bold red", "bold green", "bold yellow"


def picture(now: Status, width: int | None) -> Group:
    """Return all of it; ``width`` is a terminal's, None is no limit."""
    parts = [_text(hangs(sentence), style) for sentence, style in _sentences(now)]
    if not now.lines:
        return Group(*parts, _text(hangs(NO_CLIENTS)))
    parts += [_text(""), *_table([_cells(line, now.at) for line in now.lines], width)]
    visits = [cells for line in now.lines for cells in _visits(line, now.at)]
    if visits:
        parts += [_text(""), *_table(visits, width)]
    return Group(*parts)


def _sentences(now: Status) -> list[tuple[str, str | None]]:
    """Return what is to be said of the port and of who needs no knock, and in which colour."""
    ports = listed(now.config.ports)
    said: list[tuple[str, str | None]] = []
    is_mended = now.problem is None or not now.exposed
    if is_mended or now.hiding.is_visible:
        sentence = now.hiding.sentence(ports, now.config.interface, now.at)
        said.append((sentence, _BAD if now.hiding.is_visible else _GOOD))
    elif now.exposure is None or now.exposure.until is not None:
        said.append((f"Port {ports} is visible: our table is gone, or was changed.", _BAD))
    advised = advice(now.hiding, now.config)
    if advised is not None:
        said.append((advised, None))
    if now.exposure is not None:
        is_over = now.exposure.until is not None and not now.hiding.is_visible and is_mended
        again = " It is hidden again." if is_over else ""
        said.append((f"{now.exposure.sentence(ports)}{again}", _BAD))
    if now.config.always:
        said.append((f"Always admitted: {', '.join(map(str, now.config.always))}.", None))
    if now.problem is not None:
        said.append((f"Problem: {one_line(now.problem.message)}.", _BAD))
    said += [
        (f"Admitted: {guest.address} until {local_time(guest.ends_at(now.at))}.", None)
        for guest in now.guests
    ]
    for complaint in now.complaints:
        said.append((f"Note: {complaint.what}; '{complaint.remedy}' mends it.", _WARNING))
    config = now.config
    settings = f"{config.engine.value}, admit {config.admit.value}, timeout {config.timeout_s} s"
    said.append((f"Settings: {settings}.", None))
    if now.turned_away is not None:
        said.append((_strangers(now), None))
    if now.lines and now.sweep_chance:
        often = rounded_down(1 / now.sweep_chance)
        said.append((f"A random sweep of all ports gets in once in {often} times at most.", None))
    return said


def _strangers(now: Status) -> str:
    count = now.turned_away
    if count is None or not count.packets:
        return "No stranger was turned away yet."
    packets = "1 packet" if count.packets == 1 else f"{count.packets:,} packets".replace(",", " ")
    return f"Turned away: {packets} of strangers since {local_time(count.since)}."


def _cells(line: Line, now: int) -> dict[str, str]:
    pairing = line.pairing
    return {
        "client": _named(line),
        "next": str(pairing.next),
        "doors": str(line.doors),
        "running": str(len(line.running)),
        "last open": ago(pairing.last_open, now),
        "from": pairing.last_address or "-",
        "to do": _to_do(line),
    }


def _named(line: Line) -> str:
    """Return a client's name, and what is unusual about it."""
    unusual = ["disabled"] * line.pairing.disabled + ["rotating"] * line.rotating
    return f"{line.pairing.name} ({', '.join(unusual)})" if unusual else line.pairing.name


def _to_do(line: Line) -> str:
    name = line.pairing.name
    if line.pairing.disabled:
        return f"sshknock-server client enable {name}"
    if line.rotating:
        return "enrol it with its new token"
    if line.is_running_out:
        return f"sshknock-server client rotate {name}"
    return "enrol it with its token" if line.pairing.last_open is None else ""


def _visits(line: Line, now: int) -> Iterable[dict[str, str]]:
    for visit in line.running:
        yield {
            "session": line.pairing.name,
            "counter": str(visit.counter),
            "from": visit.address,
            "port": "no login yet" if visit.port is None else str(visit.port),
            "since": f"{local_time(visit.since)} ({span(now - visit.since)})",
        }


def _table(rows: Sequence[dict[str, str]], width: int | None) -> list[Text]:
    """Return rows under a head, in columns that fit the width as far as that can be."""
    widths = {title: max(len(title), *(len(row[title]) for row in rows)) for title in rows[0]}
    if not any(row.get("to do") for row in rows):
        widths.pop("to do", None)
    for title in _LEFT_OUT_FIRST:
        if width is None or sum(widths.values()) + len(_GAP) * (len(widths) - 1) <= width:
            break
        widths.pop(title, None)
    head = {title: title for title in widths}
    lines = []
    for row in (head, *rows):
        cells = [_padded(title, row[title], widths[title]) for title in widths]
        lines.append(_text(_GAP.join(cells).rstrip(), "bold" if row is head else None))
    return lines


def _padded(title: str, text: str, width: int) -> str:
    return text.rjust(width) if title in _RIGHT else text.ljust(width)


def _text(text: str, style: str | None = None) -> Text:
    return Text(text, style or "", no_wrap=True, overflow="ignore")


def rounded_down(number: float) -> str:
    """Return a large number with its first digit only, as people read it: 600 000."""
    whole = int(number)
    step = 10 ** (len(str(whole)) - 1)
    return f"{whole // step * step:,}".replace(",", " ")
