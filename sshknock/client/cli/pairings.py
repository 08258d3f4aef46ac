"""Commands about a pairing itself: changed, led to by ssh, forgotten."""

from __future__ import annotations

import click

from sshknock.client import config
from sshknock.client.cli.arguments import name_argument, names, optional_name
from sshknock.errors import SshknockError, UsageError, report


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
def forget(name: str, force: bool) -> None:
    """Forget a pairing: its secret, its counters, its Host block."""
    from sshknock.client import ssh_config  # noqa: PLC0415
    from sshknock.client.enroll import forget as remove  # noqa: PLC0415

    on_the_server = _doors_there(name)
    left = remove(name, force=force)
    with config.held() as known:
        ssh_config.refresh(known)
    if left is not None:
        report(SshknockError(f"warning: the secret may still be in the keyring {left.keyring}"))
    click.echo(f"forgot {name}; on the server, {on_the_server}")


def _doors_there(name: str) -> str:
    """Return what shuts a pairing's doors on its server, which knows nothing of our forgetting."""
    from sshknock.client.state import Store  # noqa: PLC0415

    ours = "'sshknock-server client remove' shuts its doors"
    pairing = config.load().pairings.get(name)
    if pairing is None:
        return ours
    try:
        listed = Store(pairing).load().listed
    except SshknockError:  # whatever it is, forgetting says what is to be done about it
        return ours
    if listed is None:
        return ours
    there = listed.path or "its list"
    return f"take its section out of /etc/knockd.conf, restart knockd and delete {there}"
