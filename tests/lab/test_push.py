"""`sshknock push`: a server that has a stock knockd, and nothing of ours."""

from __future__ import annotations

import pytest

from sshknock.client.state import PairingState
from sshknock.protocol.derivation import derive
from sshknock.protocol.knocks import Purpose
from tests.lab import CLEAN, LOSSY, Client, Server, eventually, never
from tests.lab.conftest import OpenLab
from tests.lab.stock import LIST, RULES, StockServer

pytestmark = pytest.mark.lab

STATE = "/run/home/root/.local/state/sshknock/keyring/sshknock/myserver.json"


@pytest.fixture(scope="module")
def bare(open_module_lab: OpenLab) -> StockServer:
    """A server with sshd, and a laptop that is nobody to it yet."""
    made = StockServer(open_module_lab())
    made.lab.host("eavesdropper")
    return made


@pytest.fixture(scope="module")
def stock(bare: StockServer) -> StockServer:
    """The pairing is made, the file is there, and the port is hidden as the program says."""
    told = bare.carry_first("--count", "12", "--knocks", "4", "--open-for", "2")
    assert f"carried 16 sequences to {LIST} on root@plain: myserver is good for 12 logins" in told
    steps = [line.strip() for line in told.splitlines()[2:]]
    assert [step.partition(" ")[0] for step in steps] == ["1.", "2.", "3.", "4."], told
    assert "'sshknock push myserver --conf nft'" in steps[0]
    assert f"nft -f {RULES} && systemctl restart knockd" in steps[1]
    assert "sshknock ssh-config myserver --write" in steps[2]
    assert steps[3].endswith(": 'ssh myserver'")
    bare.paste("nft")
    bare.restart_knockd()
    return bare


@pytest.fixture
def server(stock: StockServer) -> Server:
    """The server."""
    return stock.server


@pytest.fixture
def laptop(stock: StockServer) -> Client:
    """The client."""
    return stock.laptop


def test_ssh_just_works_and_the_port_is_hidden(stock: StockServer, laptop: Client) -> None:
    """Three logins use three lines; in between there is no SSH port, and nothing is said."""
    assert oct(stock.server.path(LIST).stat().st_mode)[-4:] == "0600"
    assert stock.used() == 0
    for used in (1, 2, 3):
        stock.is_shut()
        done = laptop.ssh("myserver", "echo in")
        assert (done.stdout, stock.used()) == ("in\n", used)
    row = laptop.pairing()
    assert (row["confirmed"], row["sent"], row["last_result"]) == (2, 2, "opened")


def test_a_train_that_was_used_opens_nothing(
    stock: StockServer, server: Server, laptop: Client
) -> None:
    """Played again from the laptop itself and from somebody else, in whole and in part."""
    stock.is_shut()
    with server.capture() as capture:
        laptop.ssh("myserver", "true")
        heard = [packet.knock for packet in capture.knocks(laptop.ipv4)]
    used = stock.used()
    stock.is_shut()
    for host in (laptop, stock.lab.hosts["eavesdropper"]):
        for train in (heard, heard * 3, heard[1:]):
            host.replay(server, train)
            never(lambda h=host: h.connects(server.ipv4) != "refused", "open", for_s=0.3)  # type: ignore[misc]
    assert stock.used() == used
    assert laptop.ssh("myserver", "echo in").stdout == "in\n"


def test_a_decoy_breaks_the_train_of_whoever_tries_all_ports(
    stock: StockServer, server: Server, laptop: Client
) -> None:
    """The right knocks in the right order, with one port of the printed section in between."""
    stock.is_shut()
    state = PairingState.decode(laptop.read(STATE))
    sequence = derive(state.secret, Purpose.OPEN, state.next(0)[0], state.parameters)
    train = [(knock.port, knock.transport.value) for knock in sequence]
    (decoy, *_) = stock.decoys()
    used, eavesdropper = stock.used(), stock.lab.hosts["eavesdropper"]
    eavesdropper.replay(server, [*train[:2], decoy, *train[2:]])
    never(lambda: eavesdropper.connects(server.ipv4) != "refused", "open", for_s=0.5)
    assert stock.used() == used
    eavesdropper.replay(server, [train[-1], *train])  # that it was the decoy, and nothing else
    eventually(lambda: eavesdropper.connects(server.ipv4) == "open", "it opened")
    assert laptop.ssh("myserver", "echo in").stdout == "in\n"


def test_a_second_push_goes_through_the_door_itself(stock: StockServer, laptop: Client) -> None:
    """Appended to the file that knockd has open: it goes on from line to line, not restarted."""
    (daemon,) = stock.server.processes("knockd")
    before = stock.lines()
    stock.is_shut()
    told = laptop.sshknock("push", "myserver", "--count", "20").stdout
    assert told.startswith(f"carried 20 sequences to {LIST} on "), told
    assert "restart" not in told
    after = stock.lines()
    assert [line[1:] for line in after[: len(before)]] == [line[1:] for line in before]
    assert len(after) == len(before) + 20
    stock.log_in_until(len(before) + 1)  # past the line that was the last
    assert list(stock.server.processes("knockd")) == [daemon]


@pytest.mark.long
def test_a_list_that_runs_low_and_out_is_said_before_anybody_is_locked_out(
    stock: StockServer, laptop: Client
) -> None:
    """Once a day with a hint; at the end a login stops, knockd lives, and push still gets in."""
    stock.carry("--anew", "--count", "11")
    stock.restart_knockd()
    said = [laptop.ssh("myserver", "true").stderr for _ in range(3)]
    assert "is good for 10 more logins" in said[0]
    assert "sshknock: hint: 'sshknock push myserver' carries more there" in said[0]
    assert said[1:] == ["", ""]
    stock.log_in_until(11)
    stock.is_shut()
    sent = laptop.pairing()["sent"]
    out = laptop.ssh("myserver", "true", check=False)
    assert out.code == 255
    assert "all sequences that the server has for myserver are used up" in out.stderr
    assert "hint: 'sshknock push myserver' carries more" in out.stderr
    assert (laptop.pairing()["sent"], stock.is_running()) == (sent, True)
    assert (
        "myserver is good for 9 logins"
        in laptop.sshknock("push", "myserver", "--count", "10").stdout
    )
    assert laptop.ssh("myserver", "echo in").stdout == "in\n"


@pytest.mark.long
def test_trains_that_were_lost_or_not_noticed_are_made_up_for(
    stock: StockServer, laptop: Client
) -> None:
    """Knocks whose answer never came, a log-in that was cut short, a state from a backup."""
    stock.carry("--anew", "--count", "40")
    stock.restart_knockd()
    laptop.ssh("myserver", "true")
    backup, at = laptop.read(STATE), laptop.pairing()["confirmed"] - stock.used()
    for _ in range(3):  # accepted, and not noticed
        laptop.sshknock("open", "myserver", "--blind")
        eventually(lambda: stock.used() >= 2, "knockd has marked it")
        stock.is_shut()
    assert laptop.ssh("myserver", "echo in").stdout == "in\n"
    laptop.put(STATE, backup, 0o600)
    stock.is_shut()
    assert "in step again" in laptop.sshknock("sync", "myserver", "--search", timeout_s=90).stdout
    assert laptop.ssh("myserver", "echo in").stdout == "in\n"
    assert laptop.pairing()["confirmed"] - stock.used() == at


@pytest.mark.long
def test_it_comes_through_a_bad_line(stock: StockServer, laptop: Client) -> None:
    """Every run of ssh gets in, and both sides agree afterwards."""
    link = stock.lab.link(laptop)
    stock.carry("--anew", "--count", "60")
    stock.restart_knockd()
    try:
        for _ in range(3):
            link.become(CLEAN)
            stock.is_shut()
            link.become(LOSSY)
            assert laptop.ssh("myserver", "echo in", timeout_s=60).stdout == "in\n"
    finally:
        link.become(CLEAN)
    stock.is_shut()
    assert laptop.ssh("myserver", "echo in").stdout == "in\n"


def test_a_user_with_sudo_carries_it_by_scp(stock: StockServer, laptop: Client) -> None:
    """The file is root's, in a folder that is made; nothing is left where it was carried to."""
    server = stock.server
    second = ("push", "second", "--via", "alice@plain", "--host", "192.0.2.1", "--keyring", "file")
    path = "/etc/elsewhere/list"
    refused = laptop.sshknock(*second, "--scp", "--path", path, check=False)
    assert refused.code == 1
    assert "hint: " in refused.stderr
    assert laptop.sshknock("status", "second", check=False).code == 3
    server.append("/etc/sudoers.d/lab", "alice ALL=(root) NOPASSWD: ALL\n")
    told = laptop.sshknock(*second, "--scp", "--path", path).stdout
    assert f"carried 104 sequences to {path} on alice@plain: second is good for 100 logins" in told
    owner = server.path(path).stat()
    assert (oct(owner.st_mode)[-4:], owner.st_uid) == ("0600", 0)
    home = [file.name for file in server.path("/run/home/alice").iterdir()]
    assert not [name for name in home if name.startswith(".sshknock")]
    assert [file.name for file in server.path(path).parent.iterdir()] == ["list"]


def test_a_list_that_is_somebody_elses_stays_as_it_is(stock: StockServer, laptop: Client) -> None:
    """For a first push and for a later one, with what to do about it."""
    server = stock.server
    server.put("/etc/knockd/theirs", " 1:tcp,2:udp\n", 0o640)
    path = ("--path", "/etc/knockd/theirs")
    others = ("push", "third", "--via", "root@plain", "--keyring", "file", *path)
    for command in (("push", "myserver", "--via", "root@plain", *path), others):
        done = laptop.sshknock(*command, check=False)
        assert (done.code, "--anew" in done.stderr) == (1, True), done
    assert server.read("/etc/knockd/theirs") == " 1:tcp,2:udp\n"
    assert laptop.sshknock("status", "third", check=False).code == 3


@pytest.mark.long
def test_the_printed_rules_for_iptables_work_as_well(stock: StockServer, laptop: Client) -> None:
    """The port opens to the one who knocked, and shuts after the time; knockd does both."""
    stock.server.run(["nft", "delete", "table", "inet", "knocked"])
    stock.paste("iptables")
    stock.restart_knockd()
    stock.is_shut()
    assert laptop.ssh("myserver", "echo in").stdout == "in\n"
    assert stock.lab.hosts["eavesdropper"].connects(stock.server.ipv4) == "refused"
    stock.is_shut()
