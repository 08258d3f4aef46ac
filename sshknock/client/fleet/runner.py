"""Several servers at a time, each in a thread; the terminal belongs to the main one.

A worker that has a question hands it to the main thread and waits. So a password is never asked
for twice at once, and a ^C during the question leaves the terminal as it was. After a ^C nothing
new is begun and what is under way comes to its end, which is bounded by the time limits of the
connections; a second one leaves it where it is, and that is a place that the next run goes on from.
Threads are daemons: none of them keeps the program from ending.
"""

from __future__ import annotations

import queue
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from sshknock.errors import SshknockError

Tell = Callable[[str], None]
"""Hears which step of a server's work begins, in a few words."""


class Outcome(Enum):
    """What became of a server: the words of the summary and of ``--json``."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Result:
    """How it ended for one server; ``hint`` is what to do about it."""

    name: str
    outcome: Outcome
    message: str
    hint: str | None = None

    @classmethod
    def failed(cls, name: str, error: SshknockError) -> Result:
        """Return the result that an error is."""
        return cls(name, Outcome.FAILED, error.message, error.hint)


class Asker(Protocol):
    """Whoever sits at the terminal; every method may be called by a worker."""

    def password(self, prompt: str) -> str | None:
        """Return what was typed, shown nowhere; None when there is nobody to ask."""

    def agrees(self, question: str) -> bool | None:
        """Return whether the answer was yes; None when there is nobody to ask."""


@dataclass(frozen=True, slots=True)
class Task:
    """What to do for one server: ``work`` may ask and tell, and returns what to say of it."""

    name: str
    work: Callable[[Asker, Tell], str]


class Skipped(Exception):
    """Nothing is to be done for this server; the text says why."""


class Screen(Protocol):
    """Whom the main thread shows what happens, and asks."""

    def begun(self, name: str, step: str) -> None:
        """Show that a server has come to a step."""

    def ended(self, result: Result) -> None:
        """Show what became of a server."""

    def password(self, name: str, prompt: str) -> str | None:
        """Ask the user for a server's password; None when nobody is there."""

    def agrees(self, name: str, question: str) -> bool | None:
        """Ask the user for a yes or a no; None when nobody is there."""

    def stopping(self, under_way: int) -> None:
        """Say after a ^C that so many servers are still under way."""


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class _Answer:
    value: Any
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class _Question:
    """``put`` asks it, in the main thread."""

    put: Callable[[], str | bool | None]
    answer: queue.SimpleQueue[_Answer] = field(default_factory=queue.SimpleQueue)


class _Stopped(Exception):
    """The run was interrupted while this server's question waited."""


@dataclass(frozen=True, slots=True)
class _Interrupt:
    """A ^C."""


class _Worker:
    """Hands a server's questions to the main thread."""

    def __init__(self, name: str, screen: Screen, events: queue.SimpleQueue[_Event]) -> None:
        self._name = name
        self._screen = screen
        self._events = events

    def password(self, prompt: str) -> str | None:
        """Have the user asked for a password; raise _Stopped after a ^C."""
        typed: str | None = self._asked(lambda: self._screen.password(self._name, prompt))
        return typed

    def agrees(self, question: str) -> bool | None:
        """Have the user asked for a yes or a no; raise _Stopped after a ^C."""
        agreed: bool | None = self._asked(lambda: self._screen.agrees(self._name, question))
        return agreed

    def _asked(self, put: Callable[[], str | bool | None]) -> Any:
        question = _Question(put)
        self._events.put(question)
        answer = question.answer.get()
        if answer.stopped:
            raise _Stopped
        return answer.value


_Event = _Step | _Question | _Interrupt | Result


class Run:
    """A run over many servers; ``results`` are in the order in which they ended."""

    def __init__(self, tasks: Iterable[Task], screen: Screen) -> None:
        self.results: list[Result] = []
        self.interrupted = False
        self._given_up = False
        self._waiting = deque(tasks)
        self._under_way: dict[str, None] = {}
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._screen = screen
        self._lock = threading.Lock()

    def work(self, jobs: int) -> None:
        """Do all tasks, ``jobs`` at a time; after a second ^C, leave what is not done."""
        total = len(self._waiting)
        with self._interrupts_as_events():
            for _ in range(min(jobs, total)):
                threading.Thread(target=self._worker, daemon=True).start()
            while len(self.results) < total and not self._given_up:
                self._heard(self._events.get())
        self.results += [Result(name, Outcome.LEFT, "broken off") for name in self._under_way]

    @contextmanager
    def _interrupts_as_events(self) -> Iterator[None]:
        """Let ^C come between two events, and never in the midst of one, which would be lost."""
        before = signal.signal(
            signal.SIGINT, lambda _number, _frame: self._events.put(_Interrupt())
        )
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _heard(self, event: _Event) -> None:
        if isinstance(event, _Interrupt):
            self._stop()
        elif isinstance(event, _Step):
            self._under_way[event.name] = None
            self._screen.begun(event.name, event.text)
        elif isinstance(event, Result):
            self._under_way.pop(event.name, None)
            self.results.append(event)
            self._screen.ended(event)
        elif self.interrupted:
            event.answer.put(_Answer(None, stopped=True))
        else:
            self._answer(event)

    def _answer(self, question: _Question) -> None:
        answer = _Answer(None, stopped=True)
        ours = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            answer = _Answer(question.put())
        except KeyboardInterrupt:
            self._stop()
        finally:
            signal.signal(signal.SIGINT, ours)
            question.answer.put(answer)

    def _stop(self) -> None:
        self._given_up, self.interrupted = self.interrupted, True
        if self._given_up:
            return
        with self._lock:
            never_begun = [task.name for task in self._waiting]
            self._waiting.clear()
        self.results += [Result(name, Outcome.LEFT, "not begun") for name in never_begun]
        self._screen.stopping(len(self._under_way))

    def _worker(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    return
                task = self._waiting.popleft()
                self._events.put(_Step(task.name, ""))
            self._events.put(self._result(task))

    def _result(self, task: Task) -> Result:
        asker = _Worker(task.name, self._screen, self._events)

        def tell(text: str) -> None:
            self._events.put(_Step(task.name, text))

        try:
            return Result(task.name, Outcome.DONE, task.work(asker, tell))
        except Skipped as reason:
            return Result(task.name, Outcome.SKIPPED, str(reason))
        except _Stopped:
            return Result(task.name, Outcome.LEFT, "interrupted")
        except SshknockError as error:
            return Result.failed(task.name, error)
        except Exception as error:  # noqa: BLE001  one server's trouble is not that of the others
            fault = SshknockError(
                f"unexpected {type(error).__name__}: {error}",
                f"this is a fault of sshknock: please report it; for {task.name} alone,"
                " SSHKNOCK_DEBUG=1 shows where",
            )
            return Result.failed(task.name, fault)
