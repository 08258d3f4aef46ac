"""``sshknock-server init``, ``reconcile`` and ``uninstall``."""

from __future__ import annotations

import time
from contextlib import suppress

import click

from sshknock.errors import SshknockError, SystemFault, UsageError, report
from sshknock.protocol.names import parse_port
from sshknock.server import config as settings
from sshknock.server import interfaces, paths, setting_up
from sshknock.server.cli.hiding import parse_trial
from sshknock.server.cli.root import confirm, require_root
from sshknock.server.cli.words import NO_KEYS, advice, listed, say, why_nobody_can_knock
from sshknock.server.config import Admit, Config, Engine, Hook, Refuse, Service
from sshknock.server.connections import ports_in_use
from sshknock.server.doctor.engine import listens
from sshknock.server.firewall import kernel
from sshknock.server.hiding import Mode
from sshknock.server.installation import saved_rulesets
from sshknock.server.installation.program import carried_to, this_program
from sshknock.server.networks import Network, is_wide, parse_networks
from sshknock.server.reconcile import reconcile as reconcile_server
from sshknock.server.store import Store
from sshknock.server.upkeep import bring_supervisor_back
from sshknock.system.command_line import parse_time, reading_arguments

_LINK = "/usr/local/sbin/sshknock-server"
_NO_NETWORK = "none"
_FORCECOMMAND = """\
Now tell sshd, and reload it. At the end of /etc/ssh/sshd_config, for the
users that you mean:

    Match Group sshknock-users
        ForceCommand {line}

Note: ForceCommand defeats every command="..." in the authorized_keys of these
users, hides the motd, and hears nothing of sessions without a command
(ssh -N). Users with a restricted shell (git-shell, nologin) cannot log in by
it: such a shell refuses to run it. Where sshd uses PAM, --hook pam is
better."""


def _choices(*members: Engine | Admit | Refuse | Hook | Service) -> click.Choice[str]:
    return click.Choice([member.value for member in members])


@click.command(short_help="Hide the SSH port, or change how it is hidden.")
@click.option(
    "--engine", type=_choices(*Engine), help="What matches the knocks.  [default: knockd]"
)
@click.option(
    "--interface",
    metavar="NAME",
    help="Where clients come in.  [default: that of the default route]",
)
@click.option(
    "--port", "ports", metavar="PORT", multiple=True, help="The port to hide.  [default: 22]"
)
@click.option(
    "--admit",
    type=_choices(*Admit),
    help="single: one connection a knock; timed: all, until the close.  [default: single]",
)
@click.option(
    "--timeout",
    metavar="TIME",
    help="single: how long a connection may take to come. timed: the longest that the address"
    " stays in. A number with s, m or h.  [default: 30s]",
)
@click.option("--refuse", type=_choices(*Refuse), help="What strangers see.  [default: auto]")
@click.option("--hook", type=_choices(*Hook), help="How sessions are noticed.  [default: pam]")
@click.option(
    "--service",
    type=_choices(*Service),
    help="Who keeps our processes running.  [default: systemd where it runs]",
)
@click.option(
    "--always",
    "networks",
    metavar="NETWORK",
    multiple=True,
    help="A network or an address that needs no knock, to be repeated; none: no such network.",
)
@click.option(
    "--trial",
    metavar="TIME",
    help="Show the port again after this time, unless a knocked login has confirmed.",
)
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
    networks: tuple[str, ...],
    trial: str | None,
    *,
    yes: bool,
) -> None:
    """Hide the SSH port at once, and listen for knocks. Run again, it changes the settings given.

    Sessions that are open now stay open. The first time, take --trial 10m: if nobody has logged in
    by a knock until then, the port is visible again, even if everything else has failed.
    """
    require_root()
    trial_s = None if trial is None else parse_trial(trial)
    before = settings.load() if paths.CONFIG_FILE.exists() else None
    with reading_arguments():
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
            always=_networks(networks) if networks else chosen.always,
        )
    setting_up.check_machine(config)
    question = None if trial is not None else _question(config, before)
    if question is not None:
        confirm(
            f"{question} Go on?",
            yes=yes,
            asks_before=f"init asks before it hides port {listed(config.ports)}",
        )
    setting_up.set_up(config, trial_s)
    _tell(config, before)


def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    if texts == (_NO_NETWORK,):
        return ()
    if _NO_NETWORK in texts:
        raise UsageError("--always none stands alone")
    return parse_networks(texts)


def _question(config: Config, before: Config | None) -> str | None:
    """Return what is to be thought over before the port is hidden for good."""
    ports = listed(config.ports)
    nobody = NO_KEYS if before is None else _nobody()
    if nobody is not None:
        return (
            f"{nobody.capitalize()}: port {ports} closes for everybody, and only sessions that are"
            " open now stay. --trial 10m would show it again."
        )
    hiding = setting_up.hiding_now()
    if hiding.is_visible:
        return f"{hiding.sentence(ports, config.interface)} This hides it again."
    return None


@click.command(short_help="Put the firewall and knockd right again.")
def reconcile() -> None:
    """Put the firewall and knockd right again, and start what has ended. Harmless at any time."""
    require_root()
    reconcile_server("command")
    config = settings.load()
    bring_supervisor_back(config)
    if not listens():
        raise SystemFault("knockd does not listen for every door", "sshknock-server doctor")
    hiding = setting_up.hiding_now()
    ports = listed(config.ports)
    state = "visible" if hiding.is_visible else f"hidden on {config.interface}"
    say(f"All agrees: port {ports} is {state}, knockd listens, the supervisor runs.")
    advised = advice(hiding, config)
    if hiding.is_visible and advised is not None:
        say(advised)


@click.command(short_help="Undo all that init did.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def uninstall(*, yes: bool) -> None:
    """Show the port again and undo all that init did, down to the byte. Keys are lost."""
    require_root()
    if not _is_anything_here():
        say("Nothing of sshknock is set up here.")
        _tell_of_program()
        _warn_of_saved_rulesets()
        return
    confirm(
        "This deletes every client's key and makes the port visible again. Go on?",
        yes=yes,
        asks_before="uninstall asks before it makes the port visible again",
    )
    hook = None
    with suppress(SshknockError):  # settings that cannot be read must not be in the way
        hook = settings.load().hook
    setting_up.take_down()
    say("The port is visible again; nothing of sshknock is left but the program itself.")
    if hook is Hook.FORCECOMMAND:
        say(
            "Note: take the ForceCommand line out of sshd_config and reload sshd, before you delete"
            " the program."
        )
    _tell_of_program()
    _warn_of_saved_rulesets()


def _tell_of_program() -> None:
    """Say what deletes a program that no package manager knows of."""
    folder = carried_to()
    if folder is not None:
        say(f"To delete it: rm -r {folder} {_LINK}")


def _warn_of_saved_rulesets() -> None:
    """Tell loudly what would hide the port again at the next boot."""
    for file in saved_rulesets.with_our_table():
        report(
            SshknockError(
                f"warning: {file} holds a copy of our table: the next boot hides the port by it,"
                " and nothing will open it",
                f"{saved_rulesets.HOW_TO_MEND} now, before the machine boots again",
            )
        )


def _is_anything_here() -> bool:
    """Tell whether there is something to undo: a folder of ours, or a table that was left."""
    if any(folder.exists() for folder in (paths.ETC, paths.STATE, paths.RUN)):
        return True
    try:
        return kernel.read() is not None
    except SystemFault:  # a table that is not as we make it
        return True


def _nobody() -> str | None:
    """Return why no client can knock; None when one can."""
    store = Store()
    try:
        return why_nobody_can_knock(store)
    finally:
        store.close()


def _tell(config: Config, before: Config | None) -> None:
    hiding = setting_up.hiding_now()
    sentence = hiding.sentence(listed(config.ports), config.interface, int(time.time()))
    say(f"{sentence.removesuffix('.')}; knockd listens.")
    advised = advice(hiding, config)
    if advised is not None:
        say(advised)
    if before is not None:
        _tell_changes(before, config)
    elif setting_up.disabled_examples():
        say("knockd.conf's example sections are commented out now: their sequences are public.")
    if before is None or before.always != config.always:
        _tell_of_wide_networks(config)
    in_use = ports_in_use()
    for port in config.ports:
        if port not in in_use:
            say(f"Note: nothing listens on port {port}. Does sshd?")
    for name in setting_up.unserved(config):
        say(f"Note: {name} was made for a port that is not hidden. Make a new one.")
    if config.hook is Hook.FORCECOMMAND:
        click.echo(_FORCECOMMAND.format(line=this_program().line("forcecommand")))
    if _nobody() == NO_KEYS:
        say("Next: sshknock-server client add NAME --token-file FILE")


def _tell_of_wide_networks(config: Config) -> None:
    for network in filter(is_wide, config.always):
        say(f"Note: {network} is large: everybody in it reaches sshd without a knock.")


def _tell_changes(before: Config, after: Config) -> None:
    shown = tuple(port for port in before.ports if port not in after.ports)
    if shown:
        say(f"Port {listed(shown)} is visible again.")
    changes = before.changes(after)
    say(f"Changed: {', '.join(changes)}." if changes else "The settings are as before.")
    untried = ("engine", "interface", "ports")
    is_untried = any(getattr(before, name) != getattr(after, name) for name in untried)
    if is_untried and setting_up.hiding_now().mode is Mode.HIDDEN:
        say(
            "Note: try a login before you leave: nobody has come in that way yet."
            " 'sshknock-server hide --trial 10m' shows the port again unless one does."
        )
