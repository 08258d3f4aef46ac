"""``--install``: the program goes there too, and the server is set up on trial."""

from __future__ import annotations

import json
from contextlib import suppress
from importlib import resources
from typing import Any

from sshknock import __version__
from sshknock.client.config import Pairing
from sshknock.client.enrolment.order import TRIAL_S, Asker, Order, Tell
from sshknock.client.remote.administrator import PROGRAM, Administrator
from sshknock.client.remote.connection import Connection
from sshknock.client.remote.errors import RemoteFailed
from sshknock.client.state import Store
from sshknock.client.sync import find_client
from sshknock.errors import NoSuchPairing, SshknockError, UsageError, one_line

_PYTHON = "/usr/bin/python3"
_SSH_PORT = "22"
_TRIAL_OVER = "trial over"
_UNPACK_S = 120.0
_PACKAGES_S = 900.0
_INIT_S = 90.0

# Without a line that it does not know: sudo leaves the password there when it did not want one.
_LOADER = """\
import sys
if sys.version_info < (3, 10):
    sys.exit("sshknock: its Python is %d.%d" % sys.version_info[:2])
import json
i = sys.stdin.buffer
line = next(x for x in i if x.startswith(b"sshknock {"))
task = json.loads(line[9:])
m = {"__name__": "there"}
exec(compile(i.read(task["script"]), "there", "exec"), m)
m["main"](task, i.read(task["cargo"]))
"""


def install(
    connection: Connection,
    server: Administrator,
    order: Order,
    asker: Asker,
    tell: Tell,
    *,
    of: Pairing | None = None,
) -> None:
    """Bring the program there, or up to date; hide the port on trial where ``init`` has not run.

    A program that somebody else has installed is left as it is. ``of`` is the pairing whose server
    it must be, if there is one already: the proof that confirms the trial knocks for that one.
    Raises SshknockError; what was there before is there then, and packages that apt-get has
    installed.
    """
    host = str(connection.target)
    found = _do(server, host, "look")
    if of is not None:
        _refuse_another(server, host, of, found)
    missing = [str(name) for name in found.get("missing") or ()]
    if missing:
        _add_packages(server, host, found, order, asker, tell)
    if found.get("theirs") is None:
        _bring(server, host, found.get("version"), tell)
    elif found.get("version") is None:
        raise RemoteFailed(
            f"{found['theirs']} on {host} is not of this making, and no {PROGRAM} runs there",
            "is it an installation of pip's without the link? ln -s"
            f" /opt/sshknock/bin/{PROGRAM} /usr/local/sbin/; else move it away",
        )
    else:
        tell(f"{found['version']} is there, at {found['theirs']}: it is left as it is")
    trial_s = order.trial_s or TRIAL_S
    until = f"in {_in_words(trial_s)} it is visible again, unless a knocked login confirms"
    if not found.get("set_up"):
        port = _ssh_port(connection)
        tell(f"hiding port {port}: {until}")
        options = () if port == _SSH_PORT else ("--port", port)
        server.do("init", "--yes", "--trial", f"{trial_s}s", *options, timeout_s=_INIT_S)
        return
    if found.get("theirs") is None:
        server.do("reconcile", timeout_s=_INIT_S)
    if server.call("status", "--json").get("hiding") == _TRIAL_OVER:  # an earlier proof failed
        tell(f"hiding the port again: {until}")
        server.do("hide", "--trial", f"{trial_s}s", timeout_s=_INIT_S)


def _refuse_another(
    server: Administrator, host: str, pairing: Pairing, found: dict[str, Any]
) -> None:
    """Refuse a server that does not know the pairing; one that cannot answer may be mended."""
    if found.get("set_up"):
        if found.get("version") is None:
            return
        with suppress(NoSuchPairing):
            find_client(server, pairing, Store(pairing).load().pairing_id)
            return
    raise UsageError(
        f"{pairing.name} is a pairing with {pairing.host}, and {host} does not know it",
        "another NAME for another server; was it set up anew?"
        f" 'sshknock forget {pairing.name}' first",
    )


def _add_packages(
    server: Administrator, host: str, found: dict[str, Any], order: Order, asker: Asker, tell: Tell
) -> None:
    missing = one_line(" and ".join(map(str, found["missing"])))
    packages = one_line(" ".join(map(str, found["packages"])))
    if not found.get("apt"):
        raise RemoteFailed(
            f"{host} lacks {missing}", f"install them there ({packages}), and run this again"
        )
    if not order.yes:
        answer = asker.agrees(f"{host} lacks {missing}. Let apt-get install {packages} there?")
        if not answer:
            raise RemoteFailed(
                f"{host} lacks {missing}, and nothing was installed",
                f"there: apt-get install {packages}; --yes lets it be done from here",
            )
    tell(f"{host}: apt-get install {packages}")
    _do(server, host, "packages", timeout_s=_PACKAGES_S)


def _bring(server: Administrator, host: str, before: object, tell: Tell) -> None:
    from sshknock.client.enrolment.cargo import archive  # noqa: PLC0415  only here, and heavy

    replaced = "" if before is None else f", in the place of {before}"
    if before == f"{PROGRAM} {__version__}":
        replaced = ", the same version again"
    tell(f"installing sshknock {__version__} in /opt/sshknock on {host}{replaced}")
    _do(server, host, "unpack", cargo=archive(), timeout_s=_UNPACK_S, version=__version__)


def _in_words(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    if rest:
        return f"{seconds} s"
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


def _do(
    server: Administrator,
    host: str,
    task: str,
    *,
    cargo: bytes = b"",
    timeout_s: float = 20.0,
    **values: str,
) -> dict[str, Any]:
    """Let ``there`` do a task as root; return its answer."""
    script = resources.files(__package__).joinpath("there.py").read_bytes()
    header = {"do": task, "script": len(script), "cargo": len(cargo), **values}
    sent = b"sshknock " + json.dumps(header).encode() + b"\n" + script + cargo
    done = server.run(_PYTHON, "-ISc", _LOADER, stdin=sent, timeout_s=timeout_s)
    if done.code != 0:
        raise _cannot_run(server, host, done.code, done.stderr)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise RemoteFailed(f"the installer on {host} gave no answer")
    if "error" in answer:
        raise RemoteFailed(f"cannot install on {host}: {answer['error']}", "nothing was replaced")
    return answer


def _cannot_run(server: Administrator, host: str, code: int, stderr: str) -> SshknockError:
    *_, last = ["no reason given", *stderr.strip().splitlines()]
    if last.startswith("sshknock: "):
        return RemoteFailed(
            f"sshknock needs Python 3.10 or later on {host}: {last.removeprefix('sshknock: ')}",
            "a newer system there, or an installation in a venv of a newer Python",
        )
    if _PYTHON in last and ("not found" in last or "No such file" in last):
        return RemoteFailed(f"there is no {_PYTHON} on {host}", "install Python 3.10 or later")
    return server.refused(stderr, _PYTHON) or RemoteFailed(
        f"cannot install on {host}: {last} ({code})"
    )


def _ssh_port(connection: Connection) -> str:
    """Return the port at which sshd itself was reached, as the server sees it."""
    said = connection.run("sh -c 'echo $SSH_CONNECTION'").stdout.split()
    return said[3] if len(said) == 4 and said[3].isdecimal() else _SSH_PORT  # noqa: PLR2004
