"""The pages: a program's commands and options as click knows them, or as its help says."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from contrib.manual.roff import Page, bold, marked, plain
from contrib.manual.texts import EXIT_CODES, TEXTS, Terms, Text
from sshknock import __version__

_AS_IT_STANDS = "\b"  # click's mark of a paragraph that is not to be filled
_END = "\f"  # click's mark of the end of a help text
_TERM = re.compile(r"^  (\S.*?) {2,}(\S.*)$", re.MULTILINE)
_INDENTED = " " * 4


def of_group(name: str, group: click.Group) -> str:
    """Return the page of a program that click runs."""
    text = TEXTS[name]
    page = _begin(name, text)
    page.section("SYNOPSIS")
    page.paragraph(f"{bold(name)} [{bold('--help')}] [{bold('--version')}] COMMAND ...")
    _describe(page, text)
    page.section("COMMANDS")
    for path, command in _commands(group, name):
        _add_command(page, path, command)
    return _end(page, text)


def of_usage(name: str, usage: str) -> str:
    """Return the page of a program whose help is a text: usage, examples, a list of terms."""
    text = TEXTS[name]
    page = _begin(name, text)
    first, _, rest = usage.partition("\n")
    page.section("SYNOPSIS")
    page.paragraph(plain(re.sub(r"(?i)^usage: ", "", first)))
    _describe(page, text)
    for block in rest.split("\n\n"):
        if block.startswith(_INDENTED):
            page.as_it_stands(line.removeprefix(_INDENTED) for line in block.splitlines())
    page.section("OPTIONS" if "\n  --" in usage else "COMMANDS")
    for term, meaning in _TERM.findall(usage):
        page.item(bold(term), plain(meaning))
    return _end(page, text)


def _begin(name: str, text: Text) -> Page:
    page = Page(name, text.section, f"sshknock {__version__}")
    page.section("NAME")
    page.paragraph(f"{plain(name)} \\- {plain(text.purpose)}")
    return page


def _describe(page: Page, text: Text) -> None:
    page.section("DESCRIPTION")
    for paragraph in text.description:
        page.paragraph(marked(paragraph))


def _commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield all commands that can be run, each with the words that run it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")
        elif not command.hidden:
            yield f"{path} {name}", command


def _add_command(page: Page, path: str, command: click.Command) -> None:
    context = click.Context(command, info_name=path)
    page.subsection(" ".join([path, *command.collect_usage_pieces(context)]))
    text = inspect.cleandoc(command.help or "").partition(_END)[0]
    for paragraph in text.strip().split("\n\n"):
        if paragraph.startswith(_AS_IT_STANDS):
            page.as_it_stands(paragraph.splitlines()[1:])
        else:
            page.paragraph(marked(paragraph))
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None and (record[1] or isinstance(parameter, click.Option)):
            page.item(bold(record[0]), marked(record[1]))


def _end(page: Page, text: Text) -> str:
    page.section("EXIT STATUS")
    _add_terms(page, EXIT_CODES[: text.exit_codes])
    for title, terms in (("ENVIRONMENT", text.variables), ("FILES", text.files)):
        if terms:
            page.section(title)
            _add_terms(page, terms)
    if text.examples:
        page.section("EXAMPLES")
        for what, commands in text.examples:
            page.paragraph(marked(what))
            page.as_it_stands(commands.splitlines())
    page.section("SEE ALSO")
    page.paragraph(", ".join(_reference(name) for name in text.see_also))
    return str(page)


def _add_terms(page: Page, terms: Terms) -> None:
    for term, meaning in terms:
        page.item(bold(term), marked(meaning))


def _reference(name: str) -> str:
    program, bracket, section = name.partition("(")
    return bold(program) + bracket + section
