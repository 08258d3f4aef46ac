"""``sshknock-server render``: what knockd.conf should hold."""

from __future__ import annotations

import sys

import click

from sshknock.server import books
from sshknock.server.cli.root import opened
from sshknock.server.cli.words import say
from sshknock.server.engines.knockd import conf, conf_file
from sshknock.server.reconcile import engine


@click.command(short_help="Print knockd.conf as it should be.")
@click.option("--stdout", "to_stdout", is_flag=True, help="Print the file (the default).")
@click.option("--check", is_flag=True, help="Exit 0 when knockd.conf is what would be written.")
def render(*, to_stdout: bool, check: bool) -> int:
    """Print knockd.conf as it should be now. It holds the sequences: treat it as a secret."""
    with opened() as (config, store):
        if check:
            # A mistake in the administrator's part is his to mend: reconcile only says it again.
            conf.doors_of(conf.split(conf_file.read()).theirs)
        text = engine(store, config).file(books.doors(store))
        found = conf_file.read()
    same = found == text
    if to_stdout or not check:
        sys.stdout.buffer.write(conf_file.encode(text))
    elif same:
        click.echo("knockd.conf is up to date.")
    else:
        say("knockd.conf is not up to date: run 'sshknock-server reconcile'.")
    return 1 if check and not same else 0
