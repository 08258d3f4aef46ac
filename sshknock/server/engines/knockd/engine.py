"""knockd behind the interface of an engine: from doors to a daemon that listens for them."""

from __future__ import annotations

from sshknock.errors import SshknockError, SystemFault
from sshknock.server import interfaces
from sshknock.server.config import Config
from sshknock.server.engines.base import Door, Progress
from sshknock.server.engines.knockd import conf, conf_file
from sshknock.server.engines.knockd.daemons import Daemons
from sshknock.server.engines.knockd.sections import Block, build

REPLACEMENT_EVERY_S = 1.0

_DOORS_IPV4_ONLY = 480  # with more, the kernel refuses knockd's filter
_DOORS_BOTH = 120  # with more, knockd takes more than a second to start
_IPV6 = 6


class KnockdEngine:
    """Keeps knockd.conf and the daemons as the doors want them."""

    def __init__(self, config: Config, seed: bytes) -> None:
        self._config = config
        self._seed = seed
        self._addresses = interfaces.addresses(config.interface)
        reachable = interfaces.reachable(self._addresses)
        ipv4_only = not any(address.version == _IPV6 for address in reachable)
        self.capacity = _DOORS_IPV4_ONLY if ipv4_only else _DOORS_BOTH
        self._daemons = Daemons(config.service, config.interface, ipv4_only=ipv4_only)

    def block(self, doors: tuple[Door, ...]) -> Block:
        """Return our block for these doors, read back by our parser as it was meant.

        Raises SystemFault when it would not read back.
        """
        block = build(doors, self._seed, self._config.timeout_s)
        if "\n".join(s.render() for s in conf.parse(block.text)) != block.text:
            raise SystemFault("the sections for knockd do not read back as they were written")
        return block

    def file(self, doors: tuple[Door, ...]) -> str:
        """Return what knockd.conf should hold: the administrator's part and our block."""
        theirs = conf.split(conf_file.read()).theirs
        return conf.File(theirs, self.block(doors).text).render()

    def has_ended(self) -> bool:
        """Tell whether the daemon that should run has ended."""
        return self._daemons.has_ended()

    def complaints(self) -> list[str]:
        """Return what keeps everybody out, a line each."""
        return [] if self._daemons.is_running() else ["knockd does not run: no knock opens"]

    def listens_for(self, doors: tuple[Door, ...]) -> bool:
        """Tell whether a daemon runs on exactly these doors, and on the interface's addresses."""
        return self._daemons.reads(self._snapshot(self.block(doors)))

    def update(self, doors: tuple[Door, ...]) -> Progress:
        """Listen for exactly these doors.

        The daemon comes first: whatever is wrong with knockd.conf, which nothing reads but people
        and a knockd that is started by hand, must not keep anybody out. It is reported afterwards.
        And when the daemon does not start, the file stays as it was.
        """
        block = self.block(doors)
        snapshot = self._snapshot(block)
        if not self._daemons.serves(snapshot):
            age_s = self._daemons.since_replacement_s()
            if age_s is not None and 0 <= age_s < REPLACEMENT_EVERY_S:
                return Progress(REPLACEMENT_EVERY_S - age_s, pending=True)
            self._daemons.replace(snapshot, block.guard)
        problem = self._update_file(block)
        later_s = self._daemons.end_retired()
        if problem is not None:
            raise problem
        return Progress(later_s)

    def _snapshot(self, block: Block) -> str:
        """Return what a daemon reads: our block, under a line that tells one network from another.

        knockd reads the interface's addresses once, when it starts; new ones need a new daemon.
        """
        own = " ".join(str(address) for address in self._addresses)
        return f"# {self._config.interface}: {own}\n{block.text}"

    def _update_file(self, block: Block) -> SshknockError | None:
        """Bring knockd.conf and the administrator's own daemon up to date."""
        try:
            text = conf_file.read()
            theirs = conf.split(text).theirs
            own_sections = conf.doors_of(theirs)
            wanted = conf.File(theirs, block.text).render()
            owner = conf_file.ownership()
            if text != wanted or owner is None or owner.mode != conf_file.PRIVATE:
                conf_file.write(wanted)
            self._daemons.run_administrators(theirs if own_sections else None)
        except SshknockError as error:
            return error
        return None
