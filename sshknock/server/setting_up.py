"""Setting up and taking down: what ``init`` and ``uninstall`` change on the machine, and undo."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from sshknock.errors import BadInput, SystemFault
from sshknock.server import config as settings
from sshknock.server import interfaces, paths
from sshknock.server.config import Config, Hook, Service
from sshknock.server.engines.knockd import conf
from sshknock.server.engines.knockd.daemons import Daemons
from sshknock.server.engines.knockd.engine import read_conf
from sshknock.server.firewall import kernel
from sshknock.server.hooks import watch
from sshknock.server.installation import pam_file, systemd, trust
from sshknock.server.reconcile import agree, forget_table, reconcile
from sshknock.server.store import Store
from sshknock.system.files import locked, write_private
from sshknock.system.processes import program

_LOCK_PATIENCE_S = 60
_ORIGINAL_CONF_MODE = "knockd.conf mode"
_DEFAULT_CONF_MODE = 0o644
_REMOVALS_AT_MOST = 5


def check_machine(config: Config) -> None:
    """Raise SshknockError when this machine or this installation cannot serve."""
    program("nft", "nftables")
    program("knockd", "knockd")
    if not interfaces.exists(config.interface):
        raise BadInput(
            f"there is no network interface {config.interface!r}", "'ip link' lists them"
        )
    trust.check(for_users=config.hook is Hook.FORCECOMMAND)
    conf.parse(conf.split(read_conf()).theirs)


def set_up(config: Config) -> None:
    """Set the server up, or change how it is set up; return when the engine listens.

    When a step fails, those before it are undone, unless the server was set up before.
    """
    before = settings.load() if paths.CONFIG_FILE.exists() else None
    with ExitStack() as undo:
        if before is None:
            undo.callback(take_down)
        for folder in (paths.ETC, paths.STATE):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        paths.RUN.mkdir(mode=0o755, parents=True, exist_ok=True)
        with locked(paths.LOCK_FILE, timeout_s=_LOCK_PATIENCE_S):
            if before is None:
                _prepare_knockd_conf()
            else:
                _make_table_anew(before)
            settings.save(config)
            if config.hook is Hook.PAM:
                pam_file.install()
            else:
                pam_file.remove()
        if config.service is Service.SYSTEMD:
            systemd.install()
        reconcile("init")
        if config.service is Service.OWN:
            watch.ensure_running()
        undo.pop_all()


def take_down() -> None:
    """Undo everything: the port first, so that nobody is locked out by what fails later.

    The settings go with it, under the lock: a reconcile that waits finds no server to set up.
    """
    config = None
    with suppress(settings.NotSetUp, BadInput):
        config = settings.load()
    steps: list[Callable[[], object]] = [_hide_nothing, pam_file.remove]
    if config is not None and config.service is Service.SYSTEMD:
        steps.append(systemd.remove)
    if config is not None:
        daemons = Daemons(config.service, config.interface, ipv4_only=True)
        steps += [watch.stop, daemons.stop]
    steps += [_restore_knockd_conf, _remove_folders]
    problems = []
    for step in steps:
        try:
            step()
        except SystemFault as error:
            problems.append(error.message)
    if problems:
        raise SystemFault(f"not everything could be undone: {'; '.join(problems)}")


def _hide_nothing() -> None:
    with ExitStack() as stack:
        if paths.STATE.exists():
            stack.enter_context(locked(paths.LOCK_FILE, timeout_s=_LOCK_PATIENCE_S))
        if kernel.read() is not None:
            kernel.take_away()
        paths.CONFIG_FILE.unlink(missing_ok=True)


def _make_table_anew(before: Config) -> None:
    """Have the next reconcile build the table: its rules follow from the settings.

    What the kernel knows of used doors goes into the books first.
    """
    store = Store()
    try:
        agree(store, before, "init")
        with store.transaction():
            forget_table(store)
            store.record("settings changed", int(time.time()))
    finally:
        store.close()


def _prepare_knockd_conf() -> None:
    """Comment Debian's example sections out, and note how the file was."""
    store = Store()
    try:
        mode = _mode(paths.KNOCKD_CONF)
        text = read_conf()
        with store.transaction():
            store.set_meta(_ORIGINAL_CONF_MODE, "missing" if mode is None else f"{mode:o}")
        if mode is not None:
            quiet = conf.disable_stock(text)
            write_private(paths.KNOCKD_CONF, _octets(quiet), mode=mode)
    finally:
        store.close()


def _restore_knockd_conf() -> None:
    if not paths.STORE_FILE.exists():
        return
    store = Store()
    try:
        original = store.meta(_ORIGINAL_CONF_MODE)
    finally:
        store.close()
    if original is None:
        return
    theirs = conf.enable_stock(conf.split(read_conf()).theirs)
    if original == "missing" and not theirs.strip():
        paths.KNOCKD_CONF.unlink(missing_ok=True)
        return
    mode = _DEFAULT_CONF_MODE if original == "missing" else int(original, 8)
    write_private(paths.KNOCKD_CONF, _octets(theirs), mode=mode)


def _remove_folders() -> None:
    for folder in (paths.RUN, paths.STATE, paths.ETC):
        for tries_left in reversed(range(_REMOVALS_AT_MOST)):
            try:
                shutil.rmtree(folder)
            except FileNotFoundError:
                break
            except OSError as error:
                if not tries_left:  # else a hook that was late left a file meanwhile
                    raise SystemFault(f"cannot remove {folder}: {error.strerror}") from error


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode & 0o7777
    except FileNotFoundError:
        return None


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def default_service() -> Service:
    """Return systemd where it runs; a ``systemctl`` on the path means nothing."""
    return Service.SYSTEMD if paths.SYSTEMD_RUNNING.is_dir() else Service.OWN
