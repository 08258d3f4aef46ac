"""The life of a hook that nobody waits for any more."""

from __future__ import annotations

import os
import signal
import sys

HOOK = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "hook.py")  # noqa: PTH100, PTH118, PTH120
"""The program itself."""

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
"""The environment of system/processes.py, which itself is too heavy to be imported here."""

_LIMIT_S = 120  # a reconcile takes far less, and being killed does it no harm


def settle() -> None:
    """Keep nothing of the caller's.

    ``/`` as the folder, umask 077, a small environment, no inherited signal settings and none of
    his descriptors: knockd's children would hold its packet socket, and a process that holds a
    standard stream makes its reader wait.
    """
    os.chdir("/")
    os.umask(0o077)
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    _close_descriptors()
    reset_signals()


def end_after() -> None:
    """Have the kernel end this process when it hangs; this outlives exec."""
    signal.alarm(_LIMIT_S)


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


def reset_signals() -> None:
    """Block no signal, and have the usual ones do what they usually do."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
