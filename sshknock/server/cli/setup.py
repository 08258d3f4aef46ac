"""``sshknock-server init``, ``reconcile`` and ``uninstall``."""

from __future__ import annotations

import click

from sshknock.protocol.names import parse_port
from sshknock.server import config as settings
from sshknock.server import interfaces, paths, setting_up
from sshknock.server.cli.root import confirm, require_root
from sshknock.server.config import Admit, Config, Engine, Hook, Refuse, Service
from sshknock.server.installation.program import this_program
from sshknock.server.reconcile import reconcile as reconcile_server
from sshknock.server.store import Store
from sshknock.system.command_line import parse_time

_FORCECOMMAND = """\
Now tell sshd, and reload it. At the end of /etc/ssh/sshd_config, for the users that you mean:

    Match Group sshknock-users
        ForceCommand {line}

Mind: ForceCommand defeats every command="..." in the authorized_keys of these users, hides the
motd, and hears nothing of sessions without a command (ssh -N). Where sshd uses PAM, --hook pam
is better."""


def _choices(*members: Engine | Admit | Refuse | Hook | Service) -> click.Choice[str]:
    return click.Choice([member.value for member in members])


@click.command()
@click.option("--engine", type=_choices(*Engine), help="What matches the knocks.")
@click.option("--interface", help="Where clients come in.  [default: that of the default route]")
@click.option("--port", "ports", multiple=True, help="The port to hide.  [default: 22]")
@click.option("--admit", type=_choices(*Admit), help="One connection, or all until the close.")
@click.option("--timeout", help="How long an opened door waits: 30s, 5m.  [default: 30s]")
@click.option("--refuse", type=_choices(*Refuse), help="What strangers see.  [default: auto]")
@click.option("--hook", type=_choices(*Hook), help="How sessions are noticed.  [default: pam]")
@click.option("--service", type=_choices(*Service), help="Who keeps our processes running.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def init(
    engine: str | None,
    interface: str | None,
    ports: tuple[str, ...],
    admit: str | None,
    timeout: str | None,
    refuse: str | None,
    hook: str | None,
    service: str | None,
    *,
    yes: bool,
) -> None:
    """Hide the SSH port at once, and listen for knocks. Run again, it changes the settings given.

    Sessions that are open now stay open.
    """
    require_root()
    before = settings.load() if paths.CONFIG_FILE.exists() else None
    chosen = before or Config(
        interface=interface or interfaces.default_interface(),
        service=setting_up.default_service(),
    )
    config = Config(
        interface=interface or chosen.interface,
        ports=tuple(parse_port(port) for port in ports) or chosen.ports,
        engine=Engine(engine or chosen.engine),
        admit=Admit(admit or chosen.admit),
        timeout_s=parse_time(timeout) if timeout else chosen.timeout_s,
        refuse=Refuse(refuse or chosen.refuse),
        hook=Hook(hook or chosen.hook),
        service=Service(service or chosen.service),
    )
    setting_up.check_machine(config)
    if before is None or not _has_clients():
        confirm(
            f"No client has a key yet: port {config.ports[0]} closes for everybody, and only"
            " sessions that are open now stay. Go on?",
            yes=yes,
        )
    setting_up.set_up(config)
    _tell(config)


@click.command()
def reconcile() -> None:
    """Make the books, the kernel and the engine agree. Harmless at any time."""
    require_root()
    reconcile_server("command")


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def uninstall(*, yes: bool) -> None:
    """Show the port again and undo all that init did, down to the byte. Keys are lost."""
    require_root()
    confirm("Every client's key is lost and the port is visible again. Go on?", yes=yes)
    setting_up.take_down()
    click.echo("The port is visible again; nothing of sshknock is left but the program itself.")


def _has_clients() -> bool:
    store = Store()
    try:
        return bool(store.pairings())
    finally:
        store.close()


def _tell(config: Config) -> None:
    ports = ", ".join(str(port) for port in config.ports)
    click.echo(f"Port {ports} is hidden on {config.interface}; knockd listens.")
    if setting_up.disabled_examples():
        click.echo("The example sections of knockd.conf are commented out: anybody can knock them.")
    for name in setting_up.unserved(config):
        click.echo(f"Mind: {name} was made for a port that is not hidden. Make it anew.")
    if config.hook is Hook.FORCECOMMAND:
        click.echo(_FORCECOMMAND.format(line=this_program().line("forcecommand")))
    if not _has_clients():
        click.echo("Next: sshknock-server client add NAME --token-file FILE")
