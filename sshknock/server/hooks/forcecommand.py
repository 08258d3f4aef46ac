"""``forcecommand``: sshd's ForceCommand on a server without PAM. It runs as the user.

It tells root that a session began, and then becomes what the user asked for, as sshd itself would
have run it: exec keeps the streams, the terminal, signals and the exit code.
"""

from __future__ import annotations

import os
import pwd
import select
import signal
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from sshknock.errors import SystemFault
from sshknock.server import paths

_PATIENCE_S = 0.2
_INTERNAL_SFTP = b"internal-sftp"
_SFTP_SERVERS = (
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/lib/ssh/sftp-server",
    "/usr/libexec/sftp-server",
    "/usr/lib/misc/sftp-server",
)


def run(arguments: Sequence[str]) -> int:  # noqa: ARG001  the command takes none
    """Tell root and become the user's command; returns only by an error."""
    tell_root()
    environment = original_environment()
    program, argv = command(environment.pop(b"SSH_ORIGINAL_COMMAND", None), _login_shell())
    # Python ignores these two; the programs of a session expect the default.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execve(program, argv, environment)  # noqa: S606  exactly this program
    except OSError as error:
        raise SystemFault(f"cannot run {program}: {error.strerror}") from error


def command(original: bytes | None, shell: str) -> tuple[str, list[bytes]]:
    """Return the program and its arguments that sshd would have run (session.c, do_child)."""
    name = os.fsencode(os.path.basename(shell))  # noqa: PTH119
    if original is None:
        return shell, [b"-" + name]
    if original[len(_INTERNAL_SFTP) :][:1] in (b"", b" ", b"\t") and original.startswith(
        _INTERNAL_SFTP
    ):
        return _sftp_server(), [b"sftp-server", *original.split()[1:]]
    return shell, [name, b"-c", original]


def tell_root(path: Path = paths.HOOK_SOCKET, patience_s: float = _PATIENCE_S) -> None:
    """Let the supervisor look at this process; a login never waits longer than the patience.

    It sees who we are by the kernel (SO_PEERCRED), and hangs up when it has. Whatever is wrong with
    it, the session begins.
    """
    deadline = time.monotonic() + patience_s
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
            channel.setblocking(False)
            channel.connect(str(path))
            channel.send(b"\n")
            poll = select.poll()
            poll.register(channel, select.POLLIN)
            poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
    except OSError:
        return


def original_environment() -> dict[bytes, bytes]:
    """Return the environment as sshd made it: Python itself adds LC_CTYPE to some (PEP 538)."""
    try:
        with open("/proc/self/environ", "rb") as file:  # noqa: PTH123
            pairs = file.read().split(b"\0")
    except OSError:
        return dict(os.environb)
    return {name: value for name, equals, value in (p.partition(b"=") for p in pairs) if equals}


def _login_shell() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_shell or "/bin/sh"
    except KeyError as error:
        raise SystemFault("there is no account for this user") from error


def _sftp_server() -> str:
    for path in _SFTP_SERVERS:
        if os.access(path, os.X_OK):
            return path
    raise SystemFault("no sftp-server is installed", "set sshd's Subsystem sftp to its path")
