"""The checks of one pairing, in order: each leaves fewer causes for the next."""

from __future__ import annotations

import socket
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from sshknock.client.config import Config, Pairing
from sshknock.client.doctor import here, verdict
from sshknock.client.doctor.findings import Check, Finding, note, ok, problem
from sshknock.client.doctor.packets import Answer, Heard, Plain, look_plainly
from sshknock.client.doctor.trial import LOGIN_ATTEMPTS, Trial, try_to_open
from sshknock.client.route import Route, resolve
from sshknock.client.state import MARGIN_S, UNUSED_S, PairingState, Store, locked_by_hand
from sshknock.client.sync import Met
from sshknock.errors import BadInput, KeyringUnavailable, SshknockError, SystemFault, one_line

_FAMILIES = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}
_DEAD = (Answer.SILENT, Answer.UNREACHABLE)


@dataclass(frozen=True, slots=True)
class Way:
    """One of the server's addresses, and what a plain connection to it found."""

    route: Route
    plain: Plain

    def __str__(self) -> str:
        return f"{_FAMILIES[socket.AddressFamily(self.route.family)]} ({self.route.address[0]})"


class Examination:
    """What is found about one pairing; ``sent`` are the counters that were spent on it."""

    def __init__(self, pairing: Pairing, known: Config) -> None:
        self.pairing = pairing
        self.sent: list[int] = []
        self._known = known

    def findings(self) -> Iterator[Finding]:
        """Yield each finding as soon as it is there."""
        store, state = None, None
        try:
            store = Store(self.pairing)
            state = store.load()
        except SshknockError as error:
            yield here.keyring_failed(error)
        else:
            yield ok(Check.KEYRING, "the keyring gives the secret and the counters")
        yield here.files()
        yield from here.ssh(self.pairing, self._known)
        routes = yield from self._routes()
        if not routes:
            return
        if store is None or state is None:
            yield from self._looked_at([Way(route, look_plainly(route)) for route in routes], None)
            return
        try:
            with locked_by_hand(self.pairing.name):
                yield from self._over_the_network(store, routes)
        except SshknockError as error:
            yield _hindered(error)
        except OSError as error:  # an address of ours that went away meanwhile
            yield problem(Check.ROUTE, f"this machine lost its way there: {error.strerror}")

    def _routes(self) -> Generator[Finding, None, list[Route]]:
        """Yield what is found about the name; return a route for each family that has one."""
        host, port = self.pairing.host, self.pairing.port
        try:
            found = socket.getaddrinfo(host.encode(), port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            yield problem(
                Check.NAME,
                f"cannot find the address of {host}: {reason}",
                "see that this machine is on line, that its DNS works, and that the name is right:"
                f" 'sshknock set {self.pairing.name} host=HOST' changes it",
            )
            return []
        addresses = {family: address[0] for family, _, _, _, address in reversed(found)}
        listed = [addresses[family] for family in dict.fromkeys(entry[0] for entry in found)]
        if listed != [host]:
            yield ok(Check.NAME, f"{host} is {' and '.join(map(str, listed))}")
        routes, failures = [], []
        for address in listed:
            try:
                routes.append(resolve(str(address), port))
            except SshknockError as error:
                failures.append(error)
        for failure in failures:
            if routes:
                yield note(Check.ROUTE, failure.message)
            else:
                yield problem(Check.ROUTE, failure.message, "see that this machine is on line")
        return routes

    def _over_the_network(self, store: Store, routes: list[Route]) -> Iterator[Finding]:
        """Look at every way, then knock on the one that answers best."""
        ways = [Way(route, look_plainly(route)) for route in routes]
        yield from self._looked_at(ways, store.load())
        kept_back = verdict.kept_back(Heard(), ways[0].plain)
        if kept_back is not None:
            yield kept_back
            return
        hidden = [way for way in ways if way.plain.answer in (Answer.REFUSED, Answer.SILENT)]
        if len(hidden) < sum(way.plain.answer is not Answer.UNREACHABLE for way in ways):
            return  # where it stands open, a train would prove nothing
        known = store.load()
        if known.listed is not None:
            yield here.list_of_sequences(
                self.pairing.name, known.listed.left(known.counters.confirmed)
            )
            return
        hidden.sort(key=lambda way: way.plain.answer is not Answer.REFUSED)
        failed: Finding | None = None
        for way in hidden:
            refused = way.plain.answer is Answer.REFUSED
            trial = try_to_open(store, way.route, refused=refused, search=failed is None)
            self.sent += trial.sent
            if trial.opened is not None:
                yield from self._opened(trial, way, ways)
                return
            kept_back = verdict.kept_back(trial.heard, way.plain)
            if kept_back is not None:
                yield kept_back
                return
            failed = failed or self._not_opened(trial, way)
        if failed is not None:
            yield failed

    def _looked_at(self, ways: list[Way], state: PairingState | None) -> Iterator[Finding]:
        """Yield what the plain connections found."""
        host, port = self.pairing.host, self.pairing.port
        visible = [way for way in ways if way.plain.answer is Answer.OPEN]
        for greets in (True, False):
            alike = [way for way in visible if (way.plain.identification is not None) is greets]
            if alike:
                yield self._visible(alike, state)
        if all(way.plain.answer is Answer.UNREACHABLE for way in ways):
            yield self._unreachable(ways[0].plain)
        elif any(way.plain.answer is Answer.REFUSED for way in ways):
            yield ok(Check.HIDDEN, f"port {port} of {host} refuses a connection without a knock")
        elif all(way.plain.answer in _DEAD for way in ways):
            yield note(Check.HIDDEN, f"port {port} of {host} does not answer without a knock")

    def _unreachable(self, plain: Plain) -> Finding:
        return problem(
            Check.REACH,
            f"{self.pairing.host} cannot be reached: {one_line(plain.error).lower()}",
            "see that it is up, and that this is still its address:"
            f" 'sshknock set {self.pairing.name} host=HOST' changes it",
            f"see that no firewall there rejects port {self.pairing.port} by ICMP: that looks the"
            " same, and firewalld does it",
        )

    def _visible(self, ways: list[Way], state: PairingState | None) -> Finding:
        """Return one finding for all ways that answer alike, with SSH or with something else."""
        name, port, host = self.pairing.name, self.pairing.port, self.pairing.host
        over = " and ".join(map(str, ways))
        answers = f"port {port} of {host} answers without a knock over {over}"
        if ways[0].plain.identification is None:
            return problem(
                Check.HIDDEN,
                f"{answers}, and it is no SSH server",
                f"see that host and port are right: 'sshknock set {name} host=HOST port=PORT'"
                " changes them",
            )
        if state is not None and state.may_be_admitted(int(time.time())):
            stands_s = max(state.admission_s, UNUSED_S) + MARGIN_S
            return note(
                Check.HIDDEN,
                f"{answers}: an earlier knock may still let us in",
                f"ask again in {stands_s} s: nothing more can be told now",
            )
        todo: tuple[str, ...] = (
            "on the server: 'sshknock-server status' says whether it is hidden or you are let in;"
            " 'sshknock-server hide' hides it",
            f"if sshknock was uninstalled there: 'sshknock forget {name}'",
        )
        if state is not None and state.listed is not None:
            todo = (f"'sshknock push {name} --conf nft' prints the rules that hide it",)
        return problem(
            Check.HIDDEN,
            f"{answers}: it is not hidden, or your address is let in there anyway",
            *todo,
        )

    def _opened(self, trial: Trial, way: Way, ways: list[Way]) -> Iterator[Finding]:
        """Yield what is found when a train did open the port."""
        host, name = self.pairing.host, self.pairing.name
        if way is not ways[0]:
            yield problem(
                Check.FAMILY,
                f"{host} opens over {way} and not over {ways[0]}, which a login tries first",
                f"sshknock set {name} host={way.route.address[0]}",
                "or mend the name's other address, or the way there",
            )
        elif any(other.plain.answer in _DEAD for other in ways[1:]):
            yield note(Check.FAMILY, f"{host} does not answer over {ways[1]}; a login tries {way}")
        met = trial.met
        if met is not None:
            yield self._out_of_step(met)
        elif len(trial.sent) > LOGIN_ATTEMPTS:
            yield note(
                Check.OPENING, f"{host} opened only for sequence {len(trial.sent)}: knocks get lost"
            )
        else:
            answer = one_line(trial.identification or "")
            yield ok(Check.OPENING, f"{host} opened for counter {trial.opened}: {answer}")

    def _out_of_step(self, met: Met) -> Finding:
        """Return the finding for a counter that the next login would not have come to.

        To one that is not above the confirm a login does come, by itself: that is worth a note.
        """
        what = (
            f"the two were out of step: {self.pairing.host} opened for counter {met.counter} only."
            " They are in step again"
        )
        level = problem if met.ahead else note
        warning = met.warning(self.pairing.name)
        if warning is None:
            return level(Check.STEP, what)
        why = warning.message.removeprefix("warning: ")
        return level(Check.STEP, f"{what}; {why}", *([warning.hint] if warning.hint else []))

    def _not_opened(self, trial: Trial, way: Way) -> Finding:
        if trial.mute:
            return verdict.no_greeting(self.pairing.host, self.pairing.port)
        if way.plain.answer is Answer.SILENT and not trial.heard.answered:
            # A neighbour that went off just now is given up after some packets more.
            again = look_plainly(way.route)
            if again.answer is Answer.UNREACHABLE:
                return self._unreachable(again)
        before = trial.before
        return verdict.not_opened(
            verdict.Evidence(
                name=self.pairing.name,
                host=self.pairing.host,
                port=self.pairing.port,
                address=str(way.route.address[0]),
                source=str(way.route.source[0]),
                plain=way.plain,
                heard=trial.heard,
                trains=len(trial.sent),
                known=before.last_open is not None,
                refused_once=before.refuses,
                ports=(before.parameters.port_min, before.parameters.port_max),
            )
        )


def _hindered(error: SshknockError) -> Finding:
    """Return the finding for what kept us from knocking."""
    if isinstance(error, KeyringUnavailable | BadInput):
        return here.keyring_failed(error)
    check = Check.FILES if isinstance(error, SystemFault) else Check.BUSY
    return problem(check, error.message, *([error.hint] if error.hint else []))
