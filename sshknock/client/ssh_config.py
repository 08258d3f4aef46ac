"""The Host blocks that let plain ``ssh NAME`` use the proxy.

With ``--write`` they are kept in a file of their own beside ssh's, which one ``Include`` line at
the top of ``~/.ssh/config`` takes in: at the top, because ssh takes the first value that it sees,
and because below a Host line the Include would belong to that host alone. The administrator's own
lines are not touched otherwise.
"""

from __future__ import annotations

import os
import pwd
import re
import shlex
import shutil
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from sshknock.client.config import Config, Pairing
from sshknock.client.paths import private_folder
from sshknock.errors import SshknockError, SystemFault
from sshknock.records import record
from sshknock.system.files import write_private
from sshknock.system.processes import run

PROXY = "sshknock-proxy"
"""The program that is the ProxyCommand."""

_OURS = "sshknock.conf"
_HEAD = "# Written by 'sshknock ssh-config --write'; changes made here are lost.\n"
_HOST = re.compile(r"^Host (\S+)$", re.MULTILINE)
_INCLUDE = re.compile(r"\s*include[\s=]+(.*)", re.IGNORECASE)
_FOR_QUOTES = frozenset(" '#=")  # what ends a word, or begins a comment
_BLOCK = re.compile(r"\s*(host|match)\b", re.IGNORECASE)


@record
class _Change:
    """A file, what it held (None: there was none) and what it shall hold."""

    path: Path
    before: bytes | None
    after: bytes
    hint: str | None = None
    """What to do when it cannot be written."""

    def make(self) -> None:
        """Write the new content, with the mode that the file has."""
        try:
            self._write(self.after)
        except SystemFault as error:
            raise SystemFault(error.message, self.hint) from error

    def take_back(self) -> None:
        """Put the old content back, unless the new one was not written, or changed since."""
        if _read(self.path) != self.after:
            return
        if self.before is None:
            self.path.unlink(missing_ok=True)
        else:
            self._write(self.before)

    def _write(self, content: bytes) -> None:
        mode = 0o600 if self.before is None else stat.S_IMODE(self.path.stat().st_mode)
        write_private(self.path, content, mode=mode)


def block(pairing: Pairing) -> str:
    """Return the lines for ssh's configuration that lead to one pairing."""
    lines = [f"HostName {_quoted(pairing.host)}", f"Port {pairing.port}"]
    if pairing.user is not None:
        lines.append(f"User {_quoted(pairing.user)}")
    lines += [f"IdentityFile {_quoted(file)}" for file in pairing.identity_files]
    if pairing.host_key_alias is not None:
        lines.append(f"HostKeyAlias {_quoted(pairing.host_key_alias)}")
    lines.append(f"ProxyCommand {_command(pairing.name)}")
    return f"Host {pairing.name}\n" + "".join(f"    {line}\n" for line in lines)


def _quoted(value: str) -> str:
    """Return a value as it was meant: in quotes if it needs them, the signs of a token doubled."""
    text = value.replace("%", "%%")
    return text if _FOR_QUOTES.isdisjoint(text) else f'"{text}"'


def _command(name: str) -> str:
    """Return the ProxyCommand: for the shell, and with what ssh would take for a token doubled."""
    program = shlex.quote(str(proxy_program())).replace("%", "%%")
    return f"{program} --name {name} %h %p"


def proxy_program() -> Path:
    """Return the absolute path of ``sshknock-proxy``, which stands beside this program."""
    beside = Path(sys.executable).parent / PROXY
    called = Path(sys.argv[0]).absolute().parent / PROXY
    for candidate in (called, beside):
        if os.access(candidate, os.X_OK):
            return candidate
    found = shutil.which(PROXY)
    if found is None:
        raise SystemFault(
            f"{PROXY} was not found beside this program nor on the PATH", "install it again"
        )
    return Path(found).absolute()


def folder() -> Path:
    """Return ssh's folder in the user's home."""
    return Path.home() / ".ssh"


def write(names: Iterable[str], known: Config) -> Path:
    """Write the blocks of these pairings and of those written before; return the file.

    Raises SshknockError, with everything as it was, when ssh does not read the result.
    """
    private_folder(folder())
    ours, theirs = folder() / _OURS, _real(folder() / "config")
    wanted = [name for name in known.pairings if name in {*written(), *names}]
    text = _HEAD + "".join("\n" + block(known.pairings[name]) for name in wanted)
    changes = [_Change(ours, _read(ours), text.encode())]
    before = _read(theirs)
    included = _including(before)
    if included is not None:
        hint = f"is it made by another program? have that begin it with '{_include_line()}'"
        changes.append(_Change(theirs, before, included, hint))
    try:
        for change in changes:
            change.make()
        for name in names:
            _check(name)
    except SshknockError:
        for change in changes:
            change.take_back()
        raise
    return ours


def written() -> list[str]:
    """Return the names whose blocks the file holds now."""
    return _HOST.findall((_read(folder() / _OURS) or b"").decode(errors="replace"))


def refresh(known: Config) -> Path | None:
    """Bring the file in line with the settings, where there is one; return it if it changed.

    With the last pairing the file goes, and the line that includes it.
    """
    ours = folder() / _OURS
    before = _read(ours)
    if before is None:
        return None
    if not known.pairings:
        if not before.startswith(_HEAD.encode()):
            return None
        with suppress(SystemFault):  # ssh does not mind a line that includes nothing
            _exclude()
        ours.unlink()
        return ours
    blocks = [block(known.pairings[name]) for name in written() if name in known.pairings]
    text = (_HEAD + "".join("\n" + one for one in blocks)).encode()
    if text == before:
        return None
    write_private(ours, text)
    return ours


def _include_line() -> str:
    """Return our Include line.

    ssh looks for a plain file name in the home that the system's user database names; where HOME
    says otherwise the whole path is needed.
    """
    home = Path.home()
    if home == Path(pwd.getpwuid(os.getuid()).pw_dir):
        return f"Include {_OURS}"
    path = str(folder() / _OURS)
    return f'Include "{path}"' if " " in path else f"Include {path}"


def _including(content: bytes | None) -> bytes | None:
    """Return ssh's own file with the Include line at its top, or None if it stands there."""
    text = (content or b"").decode("utf-8", "surrogateescape")
    if _includes_ours(text):
        return None
    new = f"{_include_line()}\n" + (f"\n{text}" if text else "")
    return new.encode("utf-8", "surrogateescape")


def _exclude() -> None:
    """Take our line out of ssh's own file again, if it stands where we write it."""
    link = folder() / "config"
    theirs = _real(link)
    before = _read(theirs) or b""
    line = f"{_include_line()}\n".encode()
    if not before.startswith(line):
        return
    left = before.removeprefix(line).removeprefix(b"\n")
    if left or theirs != link:
        _Change(theirs, before, left).make()
    else:
        theirs.unlink()


def _includes_ours(text: str) -> bool:
    """Tell whether our file is included before the first Host or Match."""
    ours = {_OURS, f"~/.ssh/{_OURS}", str(folder() / _OURS)}
    for line in text.splitlines():
        if _BLOCK.match(line):
            return False
        include = _INCLUDE.match(line)
        if include:
            try:
                files = shlex.split(include[1], comments=True)
            except ValueError:
                continue
            if not ours.isdisjoint(files):
                return True
    return False


def _check(name: str) -> None:
    """Ask ssh itself what it makes of the configuration, where there is an ssh.

    In the user's own environment, which the configuration may refer to.
    """
    ssh = shutil.which("ssh")
    if ssh is None:
        return
    done = run(
        [ssh, "-G", "-F", str(folder() / "config"), name], environment={**os.environ, "LC_ALL": "C"}
    )
    if done.returncode:
        *_, last = ["no reason given", *done.stderr.strip().splitlines()]
        raise SshknockError(
            f"ssh does not accept the configuration: {last}",
            f"nothing was changed; is {folder() / 'config'} sound without it?",
        )
    if f"\nproxycommand {_command(name)}" not in f"\n{done.stdout}":
        raise SshknockError(
            f"ssh takes another ProxyCommand for {name}",
            "nothing was changed; 'ssh -G' shows what it takes",
        )


def _real(path: Path) -> Path:
    """Return the file behind a symbolic link, which is kept: the link may lead to a repository."""
    return path.resolve() if path.is_symlink() else path


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SystemFault(f"cannot read {path}: {error.strerror}") from error


def text_for(names: Iterable[str], known: Config) -> str:
    """Return the blocks of these pairings, to be shown."""
    return "\n".join(block(known.named(name)) for name in names)
