"""Commands about a pairing itself: changed, led to by ssh, forgotten."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from sshknock.client import config
from sshknock.client.cli.arguments import name_argument, names, optional_name
from sshknock.errors import EXIT_DONE, EXIT_FAILED, SshknockError, UsageError, report

if TYPE_CHECKING:
    from sshknock.client.status.looks import Look


@click.command("set")
@name_argument
@click.argument("values", nargs=-1, required=True, metavar="KEY=VALUE...")
def set_(name: str, values: tuple[str, ...]) -> None:
    """Change what is known of a server.

    host=HOST,... and port=PORT say where it is. user=USER, identity_files=FILE,... and
    host_key_alias=NAME stand in its Host block; an empty value leaves them to ssh's settings.
    keyring=system and keyring=file move its secret and counters there.
    """
    from sshknock.client import ssh_config  # noqa: PLC0415
    from sshknock.client.enroll import SETTINGS, change  # noqa: PLC0415

    changes = {}
    for word in values:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"{word!r} is no setting", SETTINGS)
        changes[key] = value
    keyring = changes.pop("keyring", None)
    pairing = change(name, changes)
    if keyring is not None:
        from sshknock.client.keyrings import described  # noqa: PLC0415
        from sshknock.client.moving import move  # noqa: PLC0415

        click.echo(f"keyring: {described(move(name, keyring).keyring)}")
    with config.held() as known:
        written = ssh_config.refresh(known)
    click.echo(f"{name}: {', '.join(pairing.hosts)} port {pairing.port}")
    if written is not None:
        click.echo(f"wrote {written}")


@click.command("ssh-config", short_help="Print or keep the Host blocks.")
@optional_name
@click.option("--write", is_flag=True, help="Keep them in a file that ~/.ssh/config includes.")
def ssh_config_(name: str | None, write: bool) -> None:
    """Print the Host blocks for ssh, or keep them in a file that ~/.ssh/config includes."""
    from sshknock.client import ssh_config  # noqa: PLC0415

    if write:
        with config.held() as known:
            path = ssh_config.write(names(known, name), known)
        click.echo(f"wrote {path}")
    else:
        known = config.load()
        click.echo(ssh_config.text_for(names(known, name), known), nl=False)


@click.command()
@name_argument
@click.option("--force", is_flag=True, help="Even if its keyring is gone or locked.")
@click.option("--yes", is_flag=True, help="Do not ask. Without a terminal nobody is asked.")
def forget(name: str, force: bool, yes: bool) -> int:
    """Forget a pairing: its secret, its counters, its Host block."""
    from sshknock.client import ssh_config  # noqa: PLC0415
    from sshknock.client.enroll import forget as remove  # noqa: PLC0415

    look = _look(name)
    if look is not None and not yes and not _may_go(look):
        click.echo("nothing was changed")
        return EXIT_FAILED
    left = remove(name, force=force)
    with config.held() as known:
        ssh_config.refresh(known)
    if left is not None:
        from sshknock.client.keyrings import described  # noqa: PLC0415

        where = described(left.keyring)
        report(SshknockError(f"warning: the secret may still be in its keyring: {where}"))
    click.echo(f"forgot {name}; on the server, {_doors_there(look)}")
    return EXIT_DONE


def _look(name: str) -> Look | None:
    """Return what is known of a pairing; None when the settings do not name it."""
    from sshknock.client.status.looks import look_at  # noqa: PLC0415

    pairing = config.load().pairings.get(name)
    return None if pairing is None else look_at([pairing])[0]


def _may_go(look: Look) -> bool:
    """Ask whoever sits at a terminal; where there is none, the command is answer enough."""
    from sshknock.client.terminal import agrees  # noqa: PLC0415

    if not sys.stdin.isatty():
        return True
    name = look.pairing.name
    if look.seen_hidden:
        question = f"{name} was hidden when last tried: this may be your only way in. Forget it?"
    else:
        question = f"this may be your only way into {name}. Forget it?"
    return agrees(question) is not False


def _doors_there(look: Look | None) -> str:
    """Return what shuts a pairing's doors on its server, which knows nothing of our forgetting."""
    # A state that cannot be read tells nothing: forgetting says itself what is to be done about it.
    listed = None if look is None or look.state is None else look.state.listed
    if listed is None:
        return "'sshknock-server client remove' shuts its doors"
    there = listed.path or "its list"
    return f"take its section out of /etc/knockd.conf, restart knockd and delete {there}"
