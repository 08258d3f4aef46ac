"""The command lines that root was told to run, and whether they still start.

PAM, systemd and knockd have them in files of theirs. An upgrade of Python or of this package, or a
venv that was made anew somewhere else, leaves lines behind that run nothing, and nobody says so:
PAM must not let a login fail, and knockd does not look at what its commands return.

To see whether they start, root starts them. So they are read where root alone says what they are,
and a program that others can change is not tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sshknock.errors import BadInput, SshknockError, one_line
from sshknock.server import paths
from sshknock.server.engines.knockd import conf, conf_file
from sshknock.server.installation import systemd, trust
from sshknock.server.installation.program import Program
from sshknock.system.processes import run

CHECK = "check"
"""The hook's command that does nothing but start."""

_LINE = re.compile(r"(/\S+) -ISB (/\S+/sshknock/server/hook\.py)\b")
_LIMIT_S = 30.0


def programs() -> dict[Program, Path]:
    """Return the programs that root was told to run, each with a file that names it."""
    files = (
        paths.PAM_SSHD,
        paths.KNOCKD_CONF,
        paths.SYSTEMD_UNITS / systemd.WATCH,
        paths.SYSTEMD_UNITS / systemd.BOOT,
    )
    found: dict[Program, Path] = {}
    for file in files:
        for line in _lines(file):
            for python, hook in _LINE.findall(line):
                found.setdefault(Program(Path(python), Path(hook)), file)
    return found


def check_trust(program: Program) -> None:
    """Refuse to start a program that others than root can change; raises NotTrusted."""
    try:
        trust.check_program(program)
    except trust.NotTrusted as error:
        raise trust.NotTrusted(f"not tried: {error.message}", error.hint) from error


def broken() -> list[str]:
    """Start all of them; return what is wrong, a line for each that does not start."""
    found = []
    for program, file in programs().items():
        reason = _failure(program)
        if reason is not None:
            found.append(told(file, reason))
    return found


def told(file: Path, reason: str) -> str:
    """Return the line about a program that does not start."""
    return f"the hook that {file} runs does not start: {reason}"


def _lines(file: Path) -> Iterator[str]:
    """Yield the lines of a file that are in force; of knockd.conf those of our block."""
    try:
        text = conf_file.decode(file.read_bytes())
        if file == paths.KNOCKD_CONF:
            text = conf.split(text).ours or ""
    except (OSError, BadInput):
        return  # there is none, or it is somebody else's to complain of
    for line in text.splitlines():
        if not line.lstrip().startswith("#"):
            yield line


def _failure(program: Program) -> str | None:
    try:
        check_trust(program)
        done = run(program.argv(CHECK), timeout_s=_LIMIT_S)
    except SshknockError as error:
        return error.message
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines()
    return one_line(lines[0].removeprefix("sshknock: ")) if lines else f"exit {done.returncode}"
