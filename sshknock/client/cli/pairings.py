"""Commands about a pairing itself: made, changed, led to by ssh, forgotten."""

from __future__ import annotations

import click

from sshknock.client import config
from sshknock.client.cli.arguments import name_argument, names, optional_name, read_private
from sshknock.errors import SshknockError, UsageError, report


@click.command()
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
    text = read_token() if source == "-" else read_private(source)
    pairing = enrolment.enroll(name, Token.decode(text), keyring=keyring, host=host, again=again)
    click.echo(f"enrolled {name}: {pairing.host} port {pairing.port}, keyring {pairing.keyring}")
    click.echo(f"next: sshknock ssh-config {name} --write, and then: ssh {name}")
    if source != "-":
        click.echo(f"the token has done its work: delete {source}")


@click.command("set")
@name_argument
@click.argument("values", nargs=-1, required=True, metavar="KEY=VALUE...")
def set_(name: str, values: tuple[str, ...]) -> None:
    """Change what is known of a server.

    host=HOST,... and port=PORT say where it is. user=USER, identity_files=FILE,... and
    host_key_alias=NAME stand in its Host block; an empty value leaves them to ssh's settings.
    """
    from sshknock.client import ssh_config  # noqa: PLC0415
    from sshknock.client.enroll import SETTINGS, change  # noqa: PLC0415

    changes = {}
    for word in values:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"{word!r} is no setting", SETTINGS)
        changes[key] = value
    pairing = change(name, changes)
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

    left = remove(name, force=force)
    with config.held() as known:
        ssh_config.refresh(known)
    if left is not None:
        report(SshknockError(f"warning: the secret may still be in the keyring {left.keyring}"))
    click.echo(f"forgot {name}; on the server, 'sshknock-server client remove' shuts its doors")
