"""knockd: whether it listens for every door, and its file says so."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from sshknock.server import books
from sshknock.server.access import opened
from sshknock.server.config import Config
from sshknock.server.doctor.finding import Finding, ok, problem
from sshknock.server.engines.base import Door
from sshknock.server.engines.knockd import conf_file
from sshknock.server.engines.knockd.engine import KnockdEngine
from sshknock.server.reconcile import engine

_PATIENCE_S = 4.0
_POLL_S = 0.25


def check_listening(_config: Config) -> Iterator[Finding]:
    """Look whether a knockd runs, on exactly the doors that the books have."""
    if listens():
        yield ok("knockd runs, and listens for every door.")
    else:
        yield problem(
            "knockd does not run, or not for every door.",
            "sshknock-server reconcile, which says why when it cannot mend it",
        )


def check_file(_config: Config) -> Iterator[Finding]:
    """Look whether knockd.conf is what it should be, and private: it holds sequences."""
    owner = conf_file.ownership()
    if owner is None or owner.mode != conf_file.PRIVATE or owner.uid != 0:
        yield problem(
            "knockd.conf is missing, or others than root can read it: it holds sequences.",
            "sshknock-server reconcile",
        )
    elif _comes_true(lambda knockd, doors: knockd.file(doors) == conf_file.read()):
        yield ok("knockd.conf is as it should be.")
    else:
        yield problem(
            "knockd.conf is not as it should be: somebody changed our block, or it is late.",
            "sshknock-server reconcile; changes belong outside of our block",
        )


def listens() -> bool:
    """Tell whether a knockd runs on exactly the doors that the books have, now or soon."""
    return _comes_true(lambda knockd, doors: knockd.listens_for(doors))


def _comes_true(is_so: Callable[[KnockdEngine, tuple[Door, ...]], bool]) -> bool:
    """Ask until it is so, for a while: after a login the engine follows the books a bit later."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        with opened() as (config, store):
            if is_so(engine(store, config), books.doors(store)):
                return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
