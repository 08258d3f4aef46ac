"""``sshknock status --check``: ask each server's port whether it is hidden, by one SYN.

A SYN may take the place of a login: where an admission is good for one connection, whoever connects
first has used it. So a port is not asked while an ssh is on its way through it or an earlier
admission may still stand, and the kernel gets no time to send a SYN again.
"""

from __future__ import annotations

import errno
import queue
import select
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from sshknock.client.route import resolve
from sshknock.client.state import lock_file
from sshknock.client.status.answers import Answer
from sshknock.client.status.looks import Look
from sshknock.errors import SshknockError
from sshknock.system.files import LockTimeout, locked

ANSWER_S = 0.9
"""How long an answer may take: the kernel sends a SYN again after one second."""

LIMIT_S = 6.0
"""How long all of it may take, names that are slow to resolve included."""

_AT_ONCE = 100


def ask_ports(looks: Sequence[Look]) -> list[Look]:
    """Ask all ports at once; return the same looks, with answers where the state can be read."""
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    answers: dict[int, Answer] = {}
    asked = [number for number, look in enumerate(looks) if look.state is not None]
    for number in asked:
        waiting.put(number)

    def work() -> None:
        while True:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            answers[number] = _ask(looks[number])

    # Threads of their own, that end with the process: nothing can stop a slow resolver.
    workers = [threading.Thread(target=work, daemon=True) for _ in asked[:_AT_ONCE]]
    end = time.monotonic() + LIMIT_S
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(max(0.0, end - time.monotonic()))
    late = dict.fromkeys(asked, Answer.NO_ADDRESS) | dict(answers)
    return [
        replace(look, answer=late[number]) if number in late else look
        for number, look in enumerate(looks)
    ]


def _ask(look: Look) -> Answer:
    pairing, state = look.pairing, look.state
    if state is None or state.may_be_admitted(int(time.time())):
        return Answer.ADMITTED
    try:
        route = resolve(pairing.host, pairing.port)
    except SshknockError:
        return Answer.NO_ADDRESS
    try:
        with locked(lock_file(pairing.name), timeout_s=0):
            attempt = route.socket(socket.SOCK_STREAM)
            code = attempt.connect_ex(route.address)
    except LockTimeout:
        return Answer.BUSY
    except (OSError, SshknockError):
        return Answer.UNREACHABLE
    with attempt:
        if code == errno.EINPROGRESS:
            code = _outcome(attempt)
    return _MEANINGS.get(code, Answer.UNREACHABLE)


def _outcome(attempt: socket.socket) -> int:
    """Wait for the answer; return the error number of the connection, 0 when it stands."""
    poll = select.poll()
    poll.register(attempt, select.POLLOUT)
    if not poll.poll(ANSWER_S * 1000):
        return errno.ETIMEDOUT
    return attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


_MEANINGS = {
    0: Answer.OPEN,
    errno.ECONNREFUSED: Answer.REFUSED,
    errno.ETIMEDOUT: Answer.SILENT,
}
