"""The program ``sshknock``, for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from sshknock import __version__
from sshknock.client import config
from sshknock.errors import SshknockError, UsageError, report
from sshknock.protocol.bits import PROTOCOL_SOURCES
from sshknock.protocol.counters import SEARCH_ATTEMPTS
from sshknock.protocol.draws import PORT_SOURCES
from sshknock.protocol.knocks import Purpose
from sshknock.protocol.parameters import Parameters
from sshknock.system.command_line import reading_arguments, run_program

if TYPE_CHECKING:
    from sshknock.client.config import Config

_PROGRAM = "sshknock"
_COMPLETE_VARIABLE = "_SSHKNOCK_COMPLETE"
_DEFAULTS = Parameters()
_NO_PAIRINGS = "no pairings yet: 'sshknock enroll' makes one"


def _complete_name(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    try:
        known = config.load()
    except SshknockError:
        return []
    return [CompletionItem(name) for name in known.pairings if name.startswith(incomplete)]


def _names(known: Config, name: str | None) -> list[str]:
    return list(known.pairings) if name is None else [known.named(name).name]


_name_argument: Callable[[Any], Any] = click.argument("name", shell_complete=_complete_name)
_optional_name: Callable[[Any], Any] = click.argument(
    "name", required=False, shell_complete=_complete_name
)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
)
@click.version_option(__version__, message="sshknock %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Reach SSH servers that are hidden behind secret one-time knocks."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command()
@click.argument("name")
@click.option(
    "--token-file", "source", required=True, metavar="F|-", help="The token; - reads it here."
)
@click.option(
    "--keyring",
    type=click.Choice(["system", "file"]),
    default="system",
    show_default=True,
    help="Where the secret is kept.",
)
@click.option("--host", metavar="HOST", help="Where the server is, if not where the token says.")
@click.option("--again", is_flag=True, help="Take a token that was used here and forgotten.")
def enroll(name: str, source: str, keyring: str, host: str | None, again: bool) -> None:
    """Pair with a server, by the token that its administrator made. Needs no network."""
    from sshknock.client import enroll as enrolment  # noqa: PLC0415  each command loads its own
    from sshknock.client.terminal import read_token  # noqa: PLC0415
    from sshknock.protocol.token import Token  # noqa: PLC0415

    enrolment.check_ready(name, keyring)
    text = read_token() if source == "-" else _read_private(source)
    pairing = enrolment.enroll(name, Token.decode(text), keyring=keyring, host=host, again=again)
    click.echo(f"enrolled {name}: {pairing.host} port {pairing.port}, keyring {pairing.keyring}")
    click.echo(f"next: sshknock ssh-config {name} --write, and then: ssh {name}")
    if source != "-":
        click.echo(f"the token has done its work: delete {source}")


@cli.command(short_help="Show the pairings.")
@_optional_name
@click.option("--json", "as_json", is_flag=True, help="For programs; this form is stable.")
def status(name: str | None, as_json: bool) -> None:
    """Show each pairing: its server, counters, last use and sessions."""
    from sshknock.client import status as view  # noqa: PLC0415

    known = config.load()
    rows, failures = [], []
    for one in _names(known, name):
        try:
            rows.append(view.look(known.named(one)))
        except SshknockError as error:
            failures.append(error)
    if as_json:
        click.echo(json.dumps(view.as_json(rows), indent=2))
    elif rows:
        view.show(rows)
    elif not failures:
        click.echo(_NO_PAIRINGS)
    for failure in failures[:-1]:
        report(failure)
    if failures:
        raise failures[-1]


@cli.command("open", short_help="Send one open sequence by hand.")
@_name_argument
@click.option("--blind", is_flag=True, help="Do not connect to see whether the port answers.")
def open_(name: str, blind: bool) -> None:
    """Send one open sequence, and see whether the port answers.

    A server that admits a single connection has then admitted this one: with --blind the next
    connection from here is yours. Give it a second: the server needs a moment.
    """
    from sshknock.client.manual import open_once  # noqa: PLC0415

    pairing = config.load().named(name)
    opened = open_once(pairing, look=not blind)
    where = f"{pairing.host} port {pairing.port}"
    if opened.identification is None:
        click.echo(
            f"sent counter {opened.counter}; {where} should open within a second (not looked at)"
        )
    else:
        click.echo(f"{where} opened for counter {opened.counter}: {opened.identification}")


@cli.command(short_help="Send the close sequence by hand.")
@_name_argument
def close(name: str) -> None:
    """Send the close sequence of the last counter that is known to have opened."""
    from sshknock.client.manual import close_last  # noqa: PLC0415

    pairing = config.load().named(name)
    counter = close_last(pairing)
    click.echo(f"sent the close sequence of counter {counter} to {pairing.host}")


@cli.command(short_help="Get back in step.")
@_name_argument
@click.option("--search", is_flag=True, help="By knocking instead: try up to 128 counters.")
@click.option("--via", metavar="[USER@]HOST", help="Go there instead, by ssh's own settings.")
@click.option("--as", "called", metavar="NAME", help="What the pairing is called on the server.")
def sync(name: str, search: bool, via: str | None, called: str | None) -> None:
    """Meet the server's counter again, when logins fail although all else is well.

    Over SSH, to the hidden port without a knock: that works where the port is visible, from a
    network that is admitted, and with --via through a jump host or a private network.
    """
    from sshknock.client import sync as meeting  # noqa: PLC0415
    from sshknock.client.terminal import ask_password  # noqa: PLC0415

    if search and (via is not None or called is not None):
        raise UsageError("--search knocks, and goes nowhere by SSH", "leave --via and --as out")
    pairing = config.load().named(name)
    if search:
        with click.progressbar(length=SEARCH_ATTEMPTS, label="searching", file=sys.stderr) as bar:
            met = meeting.search(pairing, lambda _attempt: bar.update(1))
        click.echo(f"{pairing.host} opened for counter {met.counter}: in step again")
    else:
        met = meeting.ask_server(pairing, via=via, called=called, ask=ask_password)
        click.echo(f"in step again: the next counter is {met.counter + 1}")
    warning = met.warning(name)
    if warning is not None:
        report(warning)


@cli.command(short_help="Find out what is wrong, and what to do.")
@_optional_name
@click.option("--json", "as_json", is_flag=True, help="For programs; this form is stable.")
def doctor(name: str | None, as_json: bool) -> int:
    """Find out what is wrong between here and a server, and what to do about it.

    Connects plainly, and sends up to eight sequences. Exit codes: 0 all is well, 1 something is
    wrong, 4 the keyring, 5 the server did not open and it cannot be told from here why.
    """
    from sshknock.client.doctor.report import examine  # noqa: PLC0415

    known = config.load()
    if not known.pairings and name is None and not as_json:
        click.echo(_NO_PAIRINGS)
    return examine(_names(known, name), known, as_json=as_json)


@cli.command("set")
@_name_argument
@click.argument("values", nargs=-1, required=True, metavar="[host=HOST,...] [port=PORT]")
def set_(name: str, values: tuple[str, ...]) -> None:
    """Change what is known of a server."""
    from sshknock.client import ssh_config  # noqa: PLC0415
    from sshknock.client.enroll import change  # noqa: PLC0415

    changes = {}
    for word in values:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"{word!r} is no setting", "host=HOST or port=PORT")
        changes[key] = value
    pairing = change(name, changes)
    with config.held() as known:
        written = ssh_config.refresh(known)
    click.echo(f"{name}: {', '.join(pairing.hosts)} port {pairing.port}")
    if written is not None:
        click.echo(f"wrote {written}")


@cli.command("ssh-config", short_help="Print or keep the Host blocks.")
@_optional_name
@click.option("--write", is_flag=True, help="Keep them in a file that ~/.ssh/config includes.")
def ssh_config_(name: str | None, write: bool) -> None:
    """Print the Host blocks for ssh, or keep them in a file that ~/.ssh/config includes."""
    from sshknock.client import ssh_config  # noqa: PLC0415

    if write:
        with config.held() as known:
            path = ssh_config.write(_names(known, name), known)
        click.echo(f"wrote {path}")
    else:
        known = config.load()
        click.echo(ssh_config.text_for(_names(known, name), known), nl=False)


@cli.command()
@_name_argument
@click.option("--force", is_flag=True, help="Even if its keyring is gone or locked.")
def forget(name: str, force: bool) -> None:
    """Forget a pairing: its secret, its counters, its Host block."""
    from sshknock.client import ssh_config  # noqa: PLC0415
    from sshknock.client.enroll import forget as remove  # noqa: PLC0415

    left = remove(name, force=force)
    with config.held() as known:
        ssh_config.refresh(known)
    if left is not None:
        report(SshknockError(f"warning: the secret may still be in the keyring {left.keyring}"))
    click.echo(f"forgot {name}; on the server, 'sshknock-server client remove' shuts its doors")


@cli.command(short_help="Print the sequence of a counter.")
@click.option("--secret-file", required=True, metavar="F", help="64 hex digits; - reads them here.")
@click.option("--counter", type=int, required=True, metavar="N", help="From 0 on.")
@click.option("--purpose", type=click.Choice([p.value for p in Purpose]), default="open")
@click.option(
    "--ports", metavar="LOW-HIGH", default="3000-65000", show_default=True, help="Of the knocks."
)
@click.option("--knocks", metavar="LOW-HIGH", default="4-6", show_default=True, help="How many.")
@click.option("--port-source", type=click.Choice(sorted(PORT_SOURCES)), default="hmac")
@click.option("--protocol-source", type=click.Choice(sorted(PROTOCOL_SOURCES)), default="henon")
@click.option(
    "--henon-a", type=float, default=_DEFAULTS.henon_a, show_default=True, help="The map's a."
)
@click.option(
    "--henon-b", type=float, default=_DEFAULTS.henon_b, show_default=True, help="The map's b."
)
@click.option(
    "--threshold", type=float, default=_DEFAULTS.threshold, show_default=True, help="udp above it."
)
@click.option("--exclude", metavar="PORT,...", default="", help="Ports that are never knocked.")
@click.option("--json", "as_json", is_flag=True, help="For programs; this form is stable.")
def derive(secret_file: str, counter: int, purpose: str, as_json: bool, **values: Any) -> None:
    """Print the sequence that a secret, a purpose and a counter stand for."""
    from sshknock.protocol.derivation import derive as derive_sequence  # noqa: PLC0415
    from sshknock.protocol.ranges import parse_ports, parse_range  # noqa: PLC0415
    from sshknock.protocol.secrets import Secret  # noqa: PLC0415

    with reading_arguments():
        port_min, port_max = parse_range(values.pop("ports"))
        knocks_min, knocks_max = parse_range(values.pop("knocks"))
        parameters = Parameters(
            port_min=port_min,
            port_max=port_max,
            knocks_min=knocks_min,
            knocks_max=knocks_max,
            exclude=parse_ports(values.pop("exclude")),
            **values,
        )
        parameters.check()
    secret = Secret.from_hex(_read_private(secret_file))
    with reading_arguments():
        sequence = derive_sequence(secret, Purpose(purpose), counter, parameters)
    if as_json:
        knocks = [[knock.port, knock.transport.value] for knock in sequence]
        click.echo(json.dumps({"counter": counter, "purpose": purpose, "sequence": knocks}))
    else:
        click.echo(" ".join(map(str, sequence)))


@cli.command(short_help="Print the shell completion.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion for a shell, to be kept where that shell looks for it.

    bash: ~/.local/share/bash-completion/completions/sshknock; zsh: a folder of $fpath, as
    _sshknock; fish: ~/.config/fish/completions/sshknock.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"there is no completion for {shell}")
    click.echo(kind(cli, {}, _PROGRAM, _COMPLETE_VARIABLE).source())


def _read_private(name: str) -> str:
    """Return what a file with a secret says, ``-`` being standard input."""
    try:
        if name == "-":
            return sys.stdin.read()
        return Path(name).read_text()
    except OSError as error:
        raise SshknockError(f"cannot read {name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SshknockError(f"{name} is no text") from error


def main() -> int:
    """Run the program; return its exit code."""
    return run_program(cli, _PROGRAM)


if __name__ == "__main__":
    sys.exit(main())
