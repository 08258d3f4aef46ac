"""Several servers at a time: what becomes of each, and what ^C does."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest

from sshknock.client.fleet.left import Left
from sshknock.client.fleet.passwords import Passwords
from sshknock.client.fleet.runner import Asker, Outcome, Result, Run, Skipped, Task, Tell
from sshknock.errors import SshknockError

PATIENCE_S = 20
Work = Callable[[Asker, Tell], str]


class Watcher:
    """A screen that writes down what it is shown, and answers from a list."""

    def __init__(self, *answers: str) -> None:
        self.ended_names: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.threads: set[int] = set()
        self.stopped: list[int] = []
        self.when_stopping: Callable[[], None] = lambda: None
        self._answers = list(answers)

    def begun(self, name: str, step: str) -> None:
        """Take no note."""

    def ended(self, result: Result) -> None:
        """Note who it was."""
        self.ended_names.append(result.name)

    def password(self, name: str, prompt: str) -> str | None:
        """Note the question and give the next answer."""
        self.threads.add(threading.get_ident())
        self.asked.append((name, prompt))
        answer = self._answers.pop(0)
        if answer == "^C":
            signal.raise_signal(signal.SIGINT)
        return answer

    def agrees(self, name: str, question: str) -> bool | None:
        """Be nobody."""
        self.asked.append((name, question))
        return None

    def stopping(self, under_way: int) -> None:
        """Note how many were under way."""
        self.stopped.append(under_way)
        self.when_stopping()


def outcomes(run: Run) -> dict[str, Outcome]:
    """Return what became of each."""
    return {result.name: result.outcome for result in run.results}


def test_each_has_its_own_end() -> None:
    """One that fails, is skipped, or finds a fault of ours takes no other along."""

    def failing(_asker: Asker, _tell: Tell) -> str:
        raise SshknockError("no route", "is it up?")

    def skipped(_asker: Asker, _tell: Tell) -> str:
        raise Skipped("enrolled already")

    def faulty(_asker: Asker, _tell: Tell) -> str:
        raise ZeroDivisionError

    works: dict[str, Work] = {
        "a": lambda _asker, _tell: "fine",
        "b": failing,
        "c": skipped,
        "d": faulty,
    }
    screen = Watcher()
    run = Run([Task(name, work) for name, work in works.items()], screen)
    run.work(2)
    found = {result.name: result for result in run.results}
    assert found["a"] == Result("a", Outcome.DONE, "fine")
    assert found["b"] == Result("b", Outcome.FAILED, "no route", "is it up?")
    assert found["c"] == Result("c", Outcome.SKIPPED, "enrolled already")
    assert "unexpected ZeroDivisionError" in found["d"].message
    assert sorted(screen.ended_names) == list("abcd")
    assert not run.interrupted


def test_so_many_at_a_time_and_no_more() -> None:
    """All of those that may run do; the next begins when one has ended."""
    together, most, jobs = threading.Barrier(3), [0], 3
    running, lock = [0], threading.Lock()

    def work(_asker: Asker, _tell: Tell) -> str:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        together.wait(PATIENCE_S)
        with lock:
            running[0] -= 1
        return ""

    run = Run([Task(str(number), work) for number in range(9)], Watcher())
    run.work(jobs)
    assert (most[0], set(outcomes(run).values())) == (jobs, {Outcome.DONE})


def test_questions_come_one_at_a_time_and_from_the_main_thread() -> None:
    """It alone has the terminal."""
    screen = Watcher("rose", "tulip")

    def work(asker: Asker, _tell: Tell) -> str:
        return str(asker.password("sudo password: "))

    run = Run([Task("a", work), Task("b", work)], screen)
    run.work(2)
    assert sorted(result.message for result in run.results) == ["rose", "tulip"]
    assert screen.threads == {threading.get_ident()}


def test_one_interrupt_ends_what_is_under_way_and_begins_nothing() -> None:
    """The first is in the midst of it and comes to its end; the others are left."""
    screen, go_on = Watcher(), threading.Event()
    screen.when_stopping = go_on.set

    def work(_asker: Asker, _tell: Tell) -> str:
        os.kill(os.getpid(), signal.SIGINT)
        assert go_on.wait(PATIENCE_S)
        return "fine"

    run = Run([Task(name, work) for name in "abc"], screen)
    run.work(1)
    assert outcomes(run) == {"a": Outcome.DONE, "b": Outcome.LEFT, "c": Outcome.LEFT}
    assert (run.interrupted, screen.stopped) == (True, [1])


def test_a_second_interrupt_waits_for_nobody() -> None:
    """What is under way is left where it is."""
    screen, never = Watcher(), threading.Event()
    screen.when_stopping = lambda: os.kill(os.getpid(), signal.SIGINT)

    def work(_asker: Asker, _tell: Tell) -> str:
        os.kill(os.getpid(), signal.SIGINT)
        never.wait(PATIENCE_S)
        return "too late"

    run = Run([Task(name, work) for name in "ab"], screen)
    run.work(1)
    never.set()
    assert outcomes(run) == {"a": Outcome.LEFT, "b": Outcome.LEFT}


def test_an_interrupt_at_a_question_leaves_that_server() -> None:
    """And nobody is asked any more."""
    screen = Watcher("^C")

    def work(asker: Asker, _tell: Tell) -> str:
        return str(asker.password("sudo password: "))

    run = Run([Task(name, work) for name in "ab"], screen)
    run.work(2)
    assert set(outcomes(run).values()) == {Outcome.LEFT}
    assert len(screen.asked) == 1


def test_interrupts_are_as_before_after_a_run() -> None:
    """Python's own handler stands again."""
    Run([Task("a", lambda _asker, _tell: "fine")], Watcher()).work(1)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(("agreed", "asked"), [(True, ["a", "b"]), (False, ["a", "b", "b"])])
def test_a_password_goes_to_another_server_after_a_yes_only(
    monkeypatch: pytest.MonkeyPatch, agreed: bool, asked: list[str]
) -> None:
    """One that refuses the shared password is asked about by itself."""
    prompts: list[str] = []

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return f"for {prompt[-3]}"

    monkeypatch.setattr("sshknock.client.fleet.passwords.ask_password", ask)
    monkeypatch.setattr("sshknock.client.fleet.passwords.agrees", lambda _question: agreed)
    passwords = Passwords(several=True)
    assert passwords.ask("a", "sudo password on a: ") == "for a"
    assert passwords.ask("b", "sudo password on b: ") == ("for a" if agreed else "for b")
    assert passwords.ask("b", "sudo password on b: ") == "for b"
    assert [prompt[-3] for prompt in prompts] == asked


def test_what_is_left_is_on_the_disk_after_each_step() -> None:
    """Whoever is killed: the next run knows."""
    left = Left("rotate")
    assert left.read() == []
    left.begin(["a", "b", "c"])
    left.done("b")
    assert Left("rotate").read() == ["a", "c"]
    left.done("a")
    left.done("c")
    assert Left("rotate").read() == []
