"""``sshknock push``: sequences for a server that has a stock knockd, and nothing of ours."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from sshknock.client import config
from sshknock.client.cli.arguments import name_argument
from sshknock.errors import NoSuchPairing, UsageError
from sshknock.protocol.bits import PROTOCOL_SOURCES
from sshknock.protocol.draws import PORT_SOURCES
from sshknock.protocol.list_counters import COUNT_HIGHEST, COUNT_LOWEST
from sshknock.protocol.names import parse_host, parse_port
from sshknock.protocol.parameters import KNOCKS_HIGHEST, KNOCKS_LOWEST, Parameters
from sshknock.system.command_line import reading_arguments
from sshknock.wrapping import fitted

_DEFAULT_KNOCKS = 5
_OPEN_S = 10
_FIRST_ONLY = {
    "host": "--host",
    "port": "--port",
    "keyring": "--keyring",
    "ports": "--ports",
    "knocks": "--knocks",
    "exclude": "--exclude",
    "port_source": "--port-source",
    "protocol_source": "--protocol-source",
    "open_s": "--open-for",
}


@click.command(short_help="Carry one-time sequences to a stock knockd.")
@name_argument
@click.option("--via", metavar="[USER@]HOST", help="Go there, by ssh's own settings.")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path),
    metavar="FOLDER|FILE",
    help="Write the file here instead: on a stick, on a file system that is the server's.",
)
@click.option("--path", metavar="PATH", help="On the server.  [default: /etc/knockd/sequences]")
@click.option(
    "--count",
    type=click.IntRange(COUNT_LOWEST, COUNT_HIGHEST),
    default=100,
    show_default=True,
    metavar="N",
    help="How many logins more.",
)
@click.option("--scp", is_flag=True, help="By SCP instead of SFTP.")
@click.option("--anew", is_flag=True, help="Put a new list in the place of what is there.")
@click.option(
    "--conf",
    "firewall",
    type=click.Choice(["nft", "iptables"]),
    help="Only print what the server's knockd.conf and firewall need.",
)
@click.option("--host", metavar="HOST", help="Where the server is, if not where --via leads.")
@click.option("--port", metavar="PORT", help="Of its SSH.")
@click.option(
    "--keyring", type=click.Choice(["system", "file"]), help="For the secret.  [default: system]"
)
@click.option("--ports", metavar="LOW-HIGH", help="Of the knocks.  [default: 3000-65000]")
@click.option(
    "--knocks",
    type=click.IntRange(KNOCKS_LOWEST, KNOCKS_HIGHEST),
    metavar="N",
    help=f"How many, all alike.  [default: {_DEFAULT_KNOCKS}]",
)
@click.option("--exclude", metavar="PORT,...", help="Ports that are never knocked.")
@click.option("--port-source", type=click.Choice(sorted(PORT_SOURCES)))
@click.option("--protocol-source", type=click.Choice(sorted(PROTOCOL_SOURCES)))
@click.option(
    "--open-for",
    "open_s",
    type=click.IntRange(2, 3600),
    metavar="SECONDS",
    help=f"How long knockd opens the port.  [default: {_OPEN_S}]",
)
def push(
    name: str,
    via: str | None,
    folder: Path | None,
    path: str | None,
    count: int,
    scp: bool,
    anew: bool,
    firewall: str | None,
    **first: Any,
) -> None:
    """Carry one-time sequences to a server that has a stock knockd, and nothing of ours.

    The first time this makes the pairing NAME; from --host on, the options are for that. Later it
    carries more, without --via by a login through its own door. Of the secret that they are derived
    from nothing leaves this machine.
    """
    with reading_arguments():
        path = None if path is None else _parse_path(path)
    if via is not None and folder is not None:
        raise UsageError("--via goes by SSH, and --to writes a file here", "take one of the two")
    if scp and folder is not None:
        raise UsageError("--scp is a way to go by SSH", "leave it out with --to")
    given = {key: value for key, value in first.items() if value is not None}
    try:
        pairing = config.load().named(name)
    except NoSuchPairing:
        pairing = None
    if firewall is not None:
        _print_conf(firewall, name, pairing, path, given)
        return
    from sshknock.client.push import pushing  # noqa: PLC0415  loads the SSH library
    from sshknock.client.terminal import agrees, ask_password  # noqa: PLC0415

    way = pushing.Way(via, folder, path, scp, anew)
    if pairing is None and via is None and folder is None:
        raise UsageError(
            f"there is no pairing {name!r}, and no way to its server",
            "--via [USER@]HOST goes there by ssh; --to FOLDER writes a file here",
        )
    if pairing is not None:
        for key in given:
            raise UsageError(
                f"{_FIRST_ONLY[key]} is for the first push; there is a pairing {name!r} already",
                f"leave it out; 'sshknock forget {name}' first, to begin anew",
            )
        done = pushing.push(pairing, way, count=count, ask=ask_password, agrees=agrees)
    else:
        new = _new_server(name, given)
        done = pushing.push_first(name, new, way, count=count, ask=ask_password, agrees=agrees)
    click.echo(
        f"carried {done.count} sequences to {done.where}: {name} is good for {done.left} logins"
    )
    steps = done.left_to_do(first=pairing is None)
    if steps:
        click.echo("left to do, in this order:")
    for number, step in enumerate(steps, start=1):
        click.echo(fitted(f"  {number}. {step}", sys.stdout, hang=5))


def _new_server(name: str, given: dict[str, Any]) -> Any:
    """Read the options of a first push; raise UsageError, and what a keyring raises."""
    from sshknock.client.enroll import check_ready  # noqa: PLC0415
    from sshknock.client.push.pushing import NewServer  # noqa: PLC0415
    from sshknock.protocol.ranges import parse_ports, parse_range  # noqa: PLC0415

    keyring = given.get("keyring", "system")
    check_ready(name, keyring)
    with reading_arguments():
        values: dict[str, Any] = {
            key: given[key] for key in ("port_source", "protocol_source") if key in given
        }
        if "ports" in given:
            values["port_min"], values["port_max"] = parse_range(given["ports"])
        # knockd takes the end of a longer sequence for that of the shorter one before it.
        values["knocks_min"] = values["knocks_max"] = given.get("knocks", _DEFAULT_KNOCKS)
        return NewServer(
            host=parse_host(given["host"]) if "host" in given else None,
            port=parse_port(given["port"]) if "port" in given else None,
            keyring=keyring,
            parameters=Parameters(exclude=parse_ports(given.get("exclude", "")), **values),
            open_s=given.get("open_s", _OPEN_S),
        )


def _print_conf(
    firewall: str,
    name: str,
    pairing: config.Pairing | None,
    path: str | None,
    given: dict[str, Any],
) -> None:
    from sshknock.client.push.conf import DEFAULT_PATH, sections  # noqa: PLC0415
    from sshknock.client.state import Store  # noqa: PLC0415
    from sshknock.protocol.names import parse_name  # noqa: PLC0415

    with reading_arguments():
        parse_name(name)
        port = parse_port(given.get("port", 22 if pairing is None else pairing.port))
    seconds = given.get("open_s", _OPEN_S)
    parameters = Parameters()
    if pairing is not None:
        state = Store(pairing).load()
        if state.listed is None:
            raise UsageError(
                f"{name} is paired with sshknock-server, which writes knockd.conf itself",
                "--conf is for servers with a stock knockd",
            )
        path = path or state.listed.path
        seconds = given.get("open_s", state.admission_s)
        parameters = state.parameters
    text = sections(
        firewall,
        name=name,
        path=path or DEFAULT_PATH,
        port=port,
        seconds=seconds,
        ports=range(parameters.port_min, parameters.port_max + 1),
    )
    click.echo(text, nl=False)


def _parse_path(text: str) -> str:
    if not text.startswith("/") or text.endswith("/") or not text.isprintable() or " " in text:
        raise UsageError(
            f"{text!r} is no path for the file", "as in /etc/knockd/sequences, without spaces"
        )
    return text
