"""``enroll``: over SSH, from nothing to a login; or by a token that somebody else made."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from sshknock.client.cli.several import jobs_option, json_option
from sshknock.errors import EXIT_DONE, UsageError, one_line, report
from sshknock.system.command_line import parse_time, read_private

if TYPE_CHECKING:
    from sshknock.client.config import Pairing
    from sshknock.client.enrolment.order import Order

_TERMINATED = 128 + signal.SIGTERM


@click.command(short_help="Pair with a server.")
@click.argument("name", required=False)
@click.option("--via", metavar="[USER@]HOST", help="Over SSH, as you get there today.")
@click.option(
    "--token-file",
    "source",
    metavar="F|-",
    type=click.Path(),  # so that shells complete it
    help="By a token; - reads it here.",
)
@click.option(
    "--inventory",
    metavar="F|PATTERN",
    type=click.Path(),  # the same
    help="Many, each over SSH: a file with [NAME] [USER@]HOST a line, or names in ~/.ssh/config.",
)
@click.option(
    "--keyring",
    type=click.Choice(["system", "file"]),
    default="system",
    show_default=True,
    help="Where the secret is kept.",
)
@click.option(
    "--host",
    metavar="HOST",
    help="Where this machine reaches the server.  [default: where ssh goes, or the token says]",
)
@click.option(
    "--as",
    "called",
    metavar="NAME",
    help="With --via: what this machine is called there.  [default: USER-MACHINE]",
)
@click.option(
    "--install", is_flag=True, help="With --via: bring sshknock there, or up to date, and run init."
)
@click.option(
    "--trial",
    metavar="TIME",
    help="With --install: the port is visible again then, unless the login works.  [default: 10m]",
)
@click.option("--yes", is_flag=True, help="With --install: do not ask.")
@click.option("--no-ssh-config", is_flag=True, help="With --via: write no Host block.")
@click.option(
    "--again", is_flag=True, help="With --token-file: take one that was used here and forgotten."
)
@jobs_option
@json_option
def enroll(
    name: str | None,
    via: str | None,
    source: str | None,
    inventory: str | None,
    keyring: str,
    host: str | None,
    called: str | None,
    install: bool,
    trial: str | None,
    yes: bool,
    no_ssh_config: bool,
    again: bool,
    jobs: int,
    as_json: bool,
) -> int:
    """Pair with a server, which is called NAME from then on: ssh NAME.

    With --via, all of it in one go, wherever ssh gets you to an account that may use sudo: a key is
    made there, kept here, written to a Host block for ssh, and tried by one knocked login. Your own
    ssh settings, agent and keys are used. What is interrupted leaves a whole pairing or none, and
    the same command goes on with it.

    With --token-file, by the token that the server's administrator made. Needs no network.

    With --inventory, as with --via and its options, for many servers, --jobs at a time. The same
    command again does what is left. 'web*' stands for all such Host names in ~/.ssh/config.
    """
    if inventory is not None:
        alone = {"NAME": name, "--via": via, "--token-file": source, "--host": host}
        _refuse({**alone, "--again": again}, "is for one server, --inventory for many")
        trial_s = _trial_s(trial, install=install)
        from sshknock.client.cli.inventory import ForAll, enroll_all  # noqa: PLC0415  slow to load

        for_all = ForAll(keyring, called, install, trial_s, yes, not no_ssh_config)
        return enroll_all(inventory, for_all, jobs=jobs, as_json=as_json)
    if name is None:
        raise UsageError("what is it to be called?", "sshknock enroll NAME --via [USER@]HOST")
    _refuse({"--json": as_json}, "goes with --inventory")
    for_via = {"--as": called, "--install": install, "--trial": trial, "--yes": yes}
    for_via["--no-ssh-config"] = no_ssh_config
    if via is not None:
        if source is not None or again:
            raise UsageError("--via makes the token itself", "leave --token-file and --again out")
        trial_s = _trial_s(trial, install=install)
        from sshknock.client.enrolment.order import Order  # noqa: PLC0415  slow to load

        _over_ssh(Order(name, via, host, called, keyring, install, trial_s, yes, not no_ssh_config))
    elif source is not None:
        _refuse(for_via, "goes with --via")
        _by_token(name, source, keyring, host, again=again)
    else:
        raise UsageError(
            "say by which way: --via or --token-file",
            "--via [USER@]HOST where ssh gets you there today; --token-file FILE with a token that"
            " the server's administrator made",
        )
    return EXIT_DONE


def _refuse(given: Mapping[str, object], why: str) -> None:
    for option, value in given.items():
        if value:
            raise UsageError(f"{option} {why}", f"leave {option} out")


def _trial_s(trial: str | None, *, install: bool) -> int:
    from sshknock.client.enrolment.order import TRIAL_S  # noqa: PLC0415  slow to load

    if trial is not None and not install:
        raise UsageError("--trial goes with --install", "it is for a server to be set up")
    return TRIAL_S if trial is None else parse_time(trial)


def _by_token(name: str, source: str, keyring: str, host: str | None, *, again: bool) -> None:
    from sshknock.client import enroll as enrolment  # noqa: PLC0415  each command loads its own
    from sshknock.client.terminal import read_token  # noqa: PLC0415
    from sshknock.protocol.token import Token  # noqa: PLC0415

    enrolment.check_ready(name, keyring)
    text = read_token() if source == "-" else read_private(source)
    pairing = enrolment.enroll(name, Token.decode(text), keyring=keyring, host=host, again=again)
    _say_enrolled(pairing)
    click.echo(f"next: sshknock ssh-config {name} --write, and then: ssh {name}")
    if source != "-":
        click.echo(f"the token has done its work: delete {source}")


def _say_enrolled(pairing: Pairing) -> None:
    from sshknock.client.keyrings import described  # noqa: PLC0415  as above

    kept = described(pairing.keyring)
    click.echo(f"enrolled {pairing.name}: {pairing.host} port {pairing.port}, keyring: {kept}")


class _Terminal:
    """Whoever sits there."""

    def password(self, prompt: str) -> str | None:
        """Ask for a password."""
        from sshknock.client.terminal import ask_password  # noqa: PLC0415

        return ask_password(prompt)

    def agrees(self, question: str) -> bool | None:
        """Ask for a yes or a no."""
        from sshknock.client.terminal import agrees  # noqa: PLC0415

        return agrees(question)


def _over_ssh(order: Order) -> None:
    from sshknock.client.enrolment.over_ssh import enroll_via  # noqa: PLC0415

    signal.signal(signal.SIGTERM, _end)
    done = enroll_via(order, _Terminal(), _tell)
    pairing = done.pairing
    for warning in done.warnings:
        report(warning)
    _say_enrolled(pairing)
    click.echo("proven: the door opened to a knock, and the login worked")
    if done.block is None:
        click.echo(f"next: sshknock ssh-config {pairing.name} --write, and then: ssh {order.name}")
    else:
        click.echo(f"next: ssh {pairing.name}")


def _tell(step: str) -> None:
    """Show a step as it begins."""
    sys.stderr.write(f"sshknock: {one_line(step)}\n")
    sys.stderr.flush()


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    """Let a SIGTERM take back what was begun, as a ^C does."""
    sys.exit(_TERMINATED)
