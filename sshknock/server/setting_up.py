"""Setting up and taking down: what ``init`` and ``uninstall`` change on the machine, and undo."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import suppress

from sshknock.errors import BadInput, SshknockError, SystemFault, UsageError
from sshknock.server import config as settings
from sshknock.server import hiding, interfaces, paths, system_log
from sshknock.server.access import opened
from sshknock.server.config import Config, Hook, Service
from sshknock.server.engines.knockd import conf, conf_file
from sshknock.server.engines.knockd.conf_file import Ownership
from sshknock.server.engines.knockd.daemons import Daemons
from sshknock.server.engines.knockd.launch import running_on
from sshknock.server.firewall import kernel
from sshknock.server.hiding import Hiding
from sshknock.server.hooks import watch
from sshknock.server.installation import pam_file, systemd, trust
from sshknock.server.reconcile import agree, make_table_anew, reconcile
from sshknock.server.store import Store
from sshknock.system.files import locked
from sshknock.system.processes import program

_LOCK_PATIENCE_S = 60
_REMOVALS_AT_MOST = 5
_OWNER = "knockd.conf belonged to"
_MISSING = "nobody"


def check_machine(config: Config) -> None:
    """Raise SshknockError when this machine or this installation cannot serve."""
    program("nft", "nftables")
    program("knockd", "knockd")
    if not interfaces.exists(config.interface):
        raise UsageError(
            f"there is no network interface {config.interface!r}", "'ip link' lists them"
        )
    if config.service is Service.SYSTEMD and not paths.SYSTEMD_RUNNING.is_dir():
        raise UsageError("systemd does not run here", "use --service own")
    if running_on(paths.KNOCKD_CONF):
        raise SshknockError(
            f"a knockd runs on {paths.KNOCKD_CONF}; together with ours it would run your commands"
            " twice",
            "stop it first (systemctl disable --now knockd): your sections then run beside ours",
        )
    trust.check(for_users=config.hook is Hook.FORCECOMMAND)
    conf.parse(conf.split(conf_file.read()).theirs)


def set_up(config: Config, trial_s: int | None = None) -> None:
    """Set the server up, or change how it is set up; return when the engine listens.

    The port is hidden from now on, for ``trial_s`` seconds if nobody confirms; a trial that runs
    already goes on. When a step fails, what was before is there again: nothing, or the old state.
    """
    for folder in (paths.ETC, paths.STATE):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = settings.load() if paths.CONFIG_FILE.exists() else None
    was = hiding_now() if before is not None else None
    now = int(time.time())
    if trial_s is not None:
        wanted = hiding.on_trial(now, trial_s)
    else:
        wanted = hiding.for_good(now) if was is None or was.is_visible else was
    try:
        _apply(config, before, wanted, was)
    except BaseException:
        with suppress(SshknockError):
            if before is None or was is None:
                take_down()
            else:
                _apply(before, config, was, wanted)
        raise


def _apply(config: Config, before: Config | None, wanted: Hiding, was: Hiding | None) -> None:
    with locked(paths.LOCK_FILE, timeout_s=_LOCK_PATIENCE_S):
        _prepare_knockd_conf()
        if before is not None and before.service is not config.service:
            _stop_processes()
        if config.hook is Hook.PAM:
            pam_file.install()
        else:
            pam_file.remove()
        # The books first: whoever is killed in between is not left with a trial that never ends.
        _ask_for_new_table([] if before is None else before.changes(config), wanted, was)
        settings.save(config)
    if config.service is Service.SYSTEMD:
        systemd.install()
    reconcile("init")
    if config.service is Service.OWN:
        watch.restart()


def take_down() -> None:
    """Undo everything. The port comes first: nobody is locked out by what fails later.

    When the port cannot be shown, nothing else is touched. All of it happens under the lock, and a
    reconcile that waits for it finds no settings. It can be repeated, and does not need settings
    that can be read.
    """
    kernel.take_away()
    if not paths.STATE.exists():
        _remove_folders()
        return
    with locked(paths.LOCK_FILE, timeout_s=_LOCK_PATIENCE_S):
        kernel.take_away()  # somebody may have made it again before he gave the lock back
        steps: list[Callable[[], object]] = [
            pam_file.remove,
            _stop_processes,
            _restore_knockd_conf,
            _remove_folders,
        ]
        problems = []
        for step in steps:
            try:
                step()
            except SshknockError as error:
                problems.append(error.message)
    if problems:
        raise SystemFault(f"not everything could be undone: {'; '.join(problems)}")


def _stop_processes() -> None:
    """End what keeps us running and what listens, whoever started it."""
    systemd.remove()
    watch.stop()
    Daemons(Service.OWN, "", ipv4_only=True).stop()


def _ask_for_new_table(changes: list[str], wanted: Hiding, was: Hiding | None) -> None:
    store = Store(tell=system_log.tell)
    try:
        with store.transaction():
            make_table_anew(store)
            if changes:
                store.record("settings-changed", int(time.time()), detail=", ".join(changes))
            if wanted == was:
                hiding.forget_applied(store)
            else:
                hiding.change(store, wanted, by="init")
    finally:
        store.close()


def _prepare_knockd_conf() -> None:
    """Comment Debian's example sections out, and note once how the file was."""
    store = Store()
    try:
        if store.meta(_OWNER) is not None:
            return
        owner = conf_file.ownership()
        text = conf_file.read()
        with store.transaction():
            store.set_meta(_OWNER, _MISSING if owner is None else owner.encode())
        if owner is not None:
            conf_file.give_back(conf.disable_stock(text), owner)
    finally:
        store.close()


def _restore_knockd_conf() -> None:
    if not paths.STORE_FILE.exists():
        return
    store = Store()
    try:
        owner = store.meta(_OWNER)
    finally:
        store.close()
    if owner is None:
        return
    theirs = conf.enable_stock(conf.split(conf_file.read()).theirs)
    if owner == _MISSING and not theirs.strip():
        conf_file.remove()
    elif owner == _MISSING:
        conf_file.give_back(theirs, Ownership(0o644, 0, 0))
    else:
        conf_file.give_back(theirs, Ownership.decode(owner))


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


def hiding_now() -> Hiding:
    """Return how the port is hidden: a trial may be over, and only the kernel knows of it yet."""
    with opened() as (config, store):
        agree(store, config, "init")
        return hiding.of(store)


def default_service() -> Service:
    """Return systemd where it runs; a ``systemctl`` on the path means nothing."""
    return Service.SYSTEMD if paths.SYSTEMD_RUNNING.is_dir() else Service.OWN


def unserved(config: Config) -> list[str]:
    """Return the names of pairings whose port is not among the hidden ones."""
    store = Store()
    try:
        return [pairing.name for pairing in store.clients() if pairing.port not in config.ports]
    finally:
        store.close()


def disabled_examples() -> bool:
    """Tell whether knockd.conf has example sections that we put out of force."""
    with suppress(BadInput):
        return conf.DISABLED in conf_file.read()
    return False
