"""Leave the program that called a hook: nobody waits for what comes after.

Kept free of heavy imports: one such process waits beside every session.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

HOOK = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "hook.py")  # noqa: PTH100, PTH118, PTH120
"""The program itself."""

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
"""The environment of system/processes.py, which itself is too heavy to be imported here."""

LIMIT_S = 120
"""How long work in the background may take before the kernel ends it; a reconcile takes far less,
and being killed does it no harm."""


def detach() -> bool:
    """Go on in the background: True in the new process, False in the one that was called.

    The new process has a session of its own, ``/`` as its folder, umask 077, a small environment,
    no inherited signal settings and none of the caller's descriptors: knockd's children would hold
    its packet socket, and a process that holds a standard stream makes its reader wait. Raises
    OSError when the machine has no process left.
    """
    if os.fork():
        return False
    try:
        os.setsid()  # two forks: a leader of a session could be given a terminal
        if os.fork():
            os._exit(0)
        os.chdir("/")
        os.umask(0o077)
        os.environ.clear()
        os.environ.update(ENVIRONMENT)
        _close_descriptors()
        _reset_signals()
    except BaseException:  # noqa: BLE001  never go on as a second foreground
        os._exit(1)
    return True


def end_after(seconds: int = LIMIT_S) -> None:
    """Have the kernel end this process after some time; it outlives exec, and 0 takes it back."""
    signal.alarm(seconds)


def in_child(work: Callable[[], int]) -> int:
    """Do work in a process of its own, so that its memory goes with it; return its exit code.

    An exception is the exit code 1, a signal the code 128 + its number.
    """
    child = os.fork()
    if not child:
        try:
            end_after()
            os._exit(work())
        except BaseException:  # noqa: BLE001  nobody is there to catch it
            os._exit(1)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def hook_argv(*arguments: str) -> list[str]:
    """Return the command line that runs this hook program again."""
    return [sys.executable, "-ISB", HOOK, *arguments]


def become(*arguments: str) -> None:
    """Replace this process by a fresh hook, which is the version that is installed now.

    Returns only when the program is no longer there; then the supervisor does what is left.
    """
    end_after()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execve(sys.executable, hook_argv(*arguments), ENVIRONMENT)  # noqa: S606  no shell is meant
    except OSError:
        return


def note(message: str) -> None:
    """Write a line to the system's log."""
    import syslog  # noqa: PLC0415  only failures need it

    syslog.openlog("sshknock", syslog.LOG_PID, syslog.LOG_DAEMON)
    syslog.syslog(syslog.LOG_WARNING, message)


def _close_descriptors() -> None:
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        try:
            os.close(int(name))
        except OSError:
            continue  # the one that listed them
    null = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    if null > 2:  # noqa: PLR2004  the standard streams were taken
        os.close(null)


def _reset_signals() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
