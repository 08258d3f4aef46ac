"""What is done to one server of many."""

from __future__ import annotations

# Loaded here, by the main thread: a worker would load them while the others wait.
import sshknock.client.remote.administrator
import sshknock.client.remote.way  # noqa: F401
from sshknock.client import config, sync
from sshknock.client.config import Pairing
from sshknock.client.enrolment import notes
from sshknock.client.enrolment.order import Order
from sshknock.client.enrolment.over_ssh import enroll_via
from sshknock.client.fleet.left import Left
from sshknock.client.fleet.runner import Asker, Skipped, Task, Tell
from sshknock.client.rotate import rotate
from sshknock.client.state import Store

_STOCK = "its server has a stock knockd, which has nothing of ours to ask"


def enrolling(order: Order) -> Task:
    """Return the task to enrol a server, or what is left of it; one that is enrolled is skipped."""

    def work(asker: Asker, tell: Tell) -> str:
        known, note = config.load().pairings.get(order.name), notes.find(order.name)
        if known is not None and (note is None or note.pairing_id != known.pairing_id):
            raise Skipped("enrolled already")
        done = enroll_via(order, asker, tell)
        warnings = (warning.message for warning in done.warnings)
        return "; ".join((f"enrolled: {done.pairing.host} port {done.pairing.port}", *warnings))

    return Task(order.name, work)


def syncing(pairing: Pairing) -> Task:
    """Return the task to get a pairing back in step."""

    def work(asker: Asker, _tell: Tell) -> str:
        if _has_list(pairing):
            raise Skipped(_STOCK)
        met = sync.ask_server(pairing, via=None, called=None, ask=asker.password)
        warning = met.warning(pairing.name)
        told = f"in step: the next counter is {met.counter + 1}"
        return told if warning is None else f"{told}; {warning.message}"

    return Task(pairing.name, work)


def rotating(pairing: Pairing, left: Left) -> Task:
    """Return the task to give a pairing a new secret; then it is not ``left`` any more."""

    def work(asker: Asker, tell: Tell) -> str:
        if _has_list(pairing):
            left.done(pairing.name)
            raise Skipped(_STOCK)
        done = rotate(pairing, via=None, ask=asker.password, tell=tell)
        left.done(pairing.name)
        warning = done.warning(pairing.name)
        return "a new secret" if warning is None else f"a new secret; {warning.message}"

    return Task(pairing.name, work)


def _has_list(pairing: Pairing) -> bool:
    return Store(pairing).load().listed is not None
