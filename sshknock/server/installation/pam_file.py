"""Our line in ``/etc/pam.d/sshd``: the first of all, and taken out without a trace.

Debian's file reads ``~/.pam_environment`` in its session stack (``pam_env.so user_readenv=1``); a
program that pam_exec starts after that runs as root under the user's LD_PRELOAD. Lines of one type
run in their order, whatever stands between them, and an ``@include`` may bring session lines. So
ours goes above the first directive of any kind: there it is the first session line of every file.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from sshknock.errors import SystemFault
from sshknock.server import paths
from sshknock.server.installation.program import Program, this_program
from sshknock.system.files import write_private

_COMMENT = (
    "# sshknock: above everything else, so that no user's environment reaches it."
    " 'sshknock-server uninstall' removes it."
)
_OURS = re.compile(
    r"# sshknock: .*|\s*session\s+optional\s+pam_exec\.so\s.*/sshknock/server/hook\.py\s+pam\s*"
)
_READS_USERS_FILE = re.compile(
    r"\s*-?(?P<type>auth|account)\s.*pam_env\.so\b.*\buser_readenv=1", re.IGNORECASE
)
_INCLUDES = re.compile(
    r"\s*(@include|-?(auth|account)\s+(include|substack))\s+(?P<name>[^\s#]+)", re.IGNORECASE
)
_VENDOR = Path("/usr/lib/pam.d")
_NO_DIRECTIVE = re.compile(r"\s*(#.*)?")


def with_line(text: str, program: Program) -> str:
    """Return the file with our line above its first directive; what was ours before is replaced."""
    lines = _without_ours(text)
    ours = [f"{_COMMENT}\n", f"{directive(program)}\n"]
    first = next((i for i, line in enumerate(lines) if not _NO_DIRECTIVE.fullmatch(line)), 0)
    return "".join(lines[:first] + ours + lines[first:])


def without_line(text: str) -> str:
    """Return the file without our line; everything else stays byte for byte."""
    return "".join(_without_ours(text))


def directive(program: Program) -> str:
    """Return the line itself (pam.conf(5), pam_exec(8))."""
    return f"session optional pam_exec.so quiet type=open_session {program.line('pam')}"


def install(program: Program | None = None, path: Path = paths.PAM_SSHD) -> bool:
    """Put our line into the file, whose mode and owner stay; False when it was there already.

    Raises SystemFault: there is no such file, it cannot be written, or an ``auth`` or ``account``
    line in it lets users set the environment before any session begins.
    """
    text = _read(path)
    _check_what_runs_before(path)
    return _replace(path, text, with_line(text, program or this_program()))


def names(program: Program, path: Path = paths.PAM_SSHD) -> bool:
    """Tell whether our line is in the file where it belongs, and runs this program."""
    try:
        text = _read(path)
    except SystemFault:
        return False
    return text == with_line(text, program)


def remove(path: Path = paths.PAM_SSHD) -> bool:
    """Take our line out of the file; False when it was not there, or there is no file."""
    if not path.exists():
        return False
    text = _read(path)
    return _replace(path, text, without_line(text))


def _check_what_runs_before(path: Path) -> None:
    """Refuse a stack, with all that it includes, whose earlier types read the users' files."""
    todo, seen = [path], set()
    while todo:
        file = todo.pop()
        if file in seen or not file.is_file():
            continue
        seen.add(file)
        for line in _read(file).replace("\\\n", " ").split("\n"):
            if match := _READS_USERS_FILE.match(line):
                raise SystemFault(
                    f"{file}: a line of type {match['type']} reads the users' own environment"
                    " files, which would reach a program of root",
                    "take user_readenv=1 out of it, or use --hook forcecommand",
                )
            if match := _INCLUDES.match(line):
                todo += [folder / match["name"] for folder in (path.parent, _VENDOR)]


def _without_ours(text: str) -> list[str]:
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    return [line for line in lines if not _OURS.fullmatch(line.rstrip("\r\n"))]


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        raise SystemFault(
            f"there is no {path}", "use --hook forcecommand where sshd runs without PAM"
        ) from None
    except OSError as error:
        raise SystemFault(f"cannot read {path}: {error.strerror}") from error


def _replace(path: Path, old: str, new: str) -> bool:
    if old == new:
        return False
    target = path.resolve()  # a link stays a link
    status = target.stat()
    write_private(target, new.encode("utf-8", "surrogateescape"), mode=status.st_mode & 0o7777)
    os.chown(target, status.st_uid, status.st_gid)
    return True
