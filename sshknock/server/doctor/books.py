"""The books, the room for them, and the clock that their times come from."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from sshknock.errors import SystemFault
from sshknock.server import hiding, paths
from sshknock.server.access import opened
from sshknock.server.config import Config
from sshknock.server.doctor.finding import Finding, note, ok, problem
from sshknock.server.hiding import Mode
from sshknock.system.files import write_private

_PATIENCE_S = 20.0
_MIB = 1 << 20
_LITTLE_ROOM = 64 * _MIB
_TOO_LITTLE_ROOM = 4 * _MIB
_TRIAL_FILE = ".sshknock-doctor"
_FIRST_YEAR = 2024


def check_books(_config: Config) -> Iterator[Finding]:
    """Look whether the books can be read, and whether there is anybody in them who can knock."""
    with opened(_PATIENCE_S) as (_, store):
        clients = store.clients()
        mode = hiding.of(store).mode
    yield ok(f"{paths.STATE} can be read; clients: {len(clients)}.")
    # Hidden for good, and nobody can knock: who has no session any more is locked out.
    nobody = problem if mode is Mode.HIDDEN else note
    disabled = [pairing.name for pairing in clients if pairing.disabled]
    if not clients:
        yield nobody(
            "No client has a key yet: nobody can knock.", "sshknock-server client add NAME"
        )
    elif disabled:
        all_are = len(disabled) == len(clients)
        what = f"Disabled: {', '.join(disabled)}{': nobody can knock' if all_are else ''}."
        name = disabled[0] if len(disabled) == 1 else "NAME"
        found = nobody if all_are else note
        yield found(what, f"sshknock-server client enable {name}")


def check_room(_config: Config) -> Iterator[Finding]:
    """Look whether counters can be saved: what cannot be saved does not open."""
    for folder in (paths.STATE, paths.RUN, paths.KNOCKD_CONF.resolve().parent):
        try:
            write_private(folder / _TRIAL_FILE, b"written by 'sshknock-server doctor'\n")
            (folder / _TRIAL_FILE).unlink()
        except (SystemFault, OSError) as error:
            yield problem(
                f"{folder} cannot be written: {error}", "mount it writable, or make room on it"
            )
            continue
        status = os.statvfs(folder)
        free = status.f_bavail * status.f_frsize
        if free < _TOO_LITTLE_ROOM or (status.f_files and not status.f_favail):
            yield problem(f"{folder} is full.", "make room on it: counters cannot be saved")
        elif free < _LITTLE_ROOM:
            yield note(f"{folder} has {free // _MIB} MiB left.", "make room on it")
        else:
            yield ok(f"{folder} can be written.")


def check_clock(_config: Config) -> Iterator[Finding]:
    """Look at the clock: it is later than this program. Only the log's times depend on it."""
    year = time.localtime().tm_year
    if year < _FIRST_YEAR:
        yield note(f"The clock says {year}.", "set it (timedatectl): the log's times are wrong")
    else:
        yield ok("The clock shows a plausible date.")
