"""Many at once: of one client, of two behind one address, of one client to many servers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.lab import Client, Completed, Server, eventually
from tests.lab.conftest import OpenLab, Pair

pytestmark = pytest.mark.lab

RUNS, SERVERS = 24, 20
PATIENT_S = 90


@pytest.fixture
def in_step(pair: Pair) -> Iterator[None]:
    """Afterwards both sides agree."""
    yield
    pair.in_step()


def at_once(client: Client, commands: list[list[str]]) -> list[Completed]:
    """Start programs on a client at the same moment; wait for all."""

    def run(command: list[str]) -> Completed:
        return client.run(command, check=False, timeout_s=PATIENT_S)

    with ThreadPoolExecutor(len(commands)) as pool:
        return list(pool.map(run, commands))


def assert_all_succeeded(runs: list[Completed]) -> None:
    """Hold that every program ended well, and show those that did not."""
    failed = [str(done) for done in runs if done.code != 0]
    assert not failed, f"{len(failed)} of {len(runs)} failed:\n" + "\n".join(failed)


@pytest.mark.usefixtures("in_step")
def test_twenty_four_runs_at_once(laptop: Client) -> None:
    """All of them log in, and each sees its own command's output."""
    commands = [["ssh", "-oBatchMode=yes", "myserver", "echo", str(n)] for n in range(RUNS)]
    runs = at_once(laptop, commands)
    assert_all_succeeded(runs)
    assert [done.stdout for done in runs] == [f"{n}\n" for n in range(RUNS)]


@pytest.fixture
def busy_sshd(server: Server) -> Iterator[None]:
    """The server's sshd hangs up as soon as three logins are under way."""
    server.stop_sshd()
    server.start_sshd("-oMaxStartups=3:100:3")
    yield
    server.stop_sshd()
    server.start_sshd()


@pytest.mark.usefixtures("busy_sshd", "in_step")
def test_an_sshd_that_hangs_up_on_too_many_is_asked_again(laptop: Client, server: Server) -> None:
    """MaxStartups: more runs at once than it allows, and all of them log in."""
    before = server.sshd_log.count("MaxStartups")
    assert_all_succeeded(at_once(laptop, [["ssh", "-oBatchMode=yes", "myserver", "true"]] * 8))
    assert server.sshd_log.count("MaxStartups") > before, "nobody was hung up on: no test"


@pytest.mark.usefixtures("in_step")
def test_many_sessions_over_one_connection(laptop: Client, server: Server) -> None:
    """ControlMaster: eight commands at once ride on the connection that is there."""
    shared = ["ssh", "-oBatchMode=yes", "-oControlPath=/run/shared"]
    laptop.run([*shared, "-oControlMaster=yes", "-fNT", "myserver"])
    before = server.pairing("laptop")["next"]
    assert_all_succeeded(at_once(laptop, [[*shared, "myserver", "sleep 0.2"]] * 8))
    assert server.pairing("laptop")["next"] == before
    assert server.pairing("laptop")["sessions"] == 1
    laptop.run([*shared, "-O", "exit", "myserver"])


@pytest.mark.usefixtures("in_step")
def test_a_control_master_that_all_want_to_be(laptop: Client) -> None:
    """ControlMaster=auto, eight at once: whoever comes first is the master, none is left out."""
    shared = ["-oControlMaster=auto", "-oControlPersist=yes", "-oControlPath=/run/auto"]
    ssh = ["ssh", "-oBatchMode=yes", *shared, "myserver"]
    assert_all_succeeded(at_once(laptop, [[*ssh, "true"]] * 8))
    laptop.run([*ssh[:-1], "-O", "exit", "myserver"])


@pytest.mark.usefixtures("in_step")
def test_git_fetches_from_eight_remotes_at_once(laptop: Client, server: Server) -> None:
    """`git fetch --all --jobs 8`: eight repositories of one server."""
    commit = ["-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-q", "-m", "first"]
    names = [f"remote{number}" for number in range(8)]
    laptop.run(["git", "init", "-q", "all"])
    for name in names:
        server.run(["git", "init", "-q", "-b", "main", name])
        server.run(["git", "-C", name, *commit, "--allow-empty"])
        laptop.run(["git", "-C", "all", "remote", "add", name, f"myserver:{name}"])
    laptop.run(["git", "-C", "all", "fetch", "-q", "--all", "--jobs=8"], timeout_s=PATIENT_S)
    branches = laptop.run(["git", "-C", "all", "branch", "-r"]).stdout.split()
    assert branches == [f"{name}/main" for name in names]


@pytest.mark.usefixtures("in_step")
def test_an_rsync_loop(laptop: Client, server: Server) -> None:
    """Ten folders mirrored one after the other, as a script does it, without a pause."""
    for number in range(10):
        laptop.put(f"/run/home/root/tree{number}/file", f"{number}\n")
    loop = "for n in 0 1 2 3 4 5 6 7 8 9; do rsync -a tree$n/ myserver:tree$n || exit; done"
    laptop.run(["sh", "-c", loop], timeout_s=PATIENT_S)
    copies = [server.read(f"/run/home/root/tree{number}/file") for number in range(10)]
    assert copies == [f"{number}\n" for number in range(10)]


@pytest.fixture(scope="module")
def behind_nat(pair: Pair) -> list[Client]:
    """Two clients that the server sees under one address, each with a pairing of its own."""
    clients = [pair.lab.client("desktop"), pair.lab.client("tablet")]
    for client in clients:
        client.enroll(pair.server)
    pair.lab.nat(*clients, outside=pair.server)
    return clients


@pytest.mark.parametrize("rounds", [3, pytest.param(12, marks=pytest.mark.long)])
def test_two_clients_behind_one_address(
    server: Server, behind_nat: list[Client], rounds: int
) -> None:
    """Both log in at the same moment, though knockd takes their trains for one client's.

    Each may be let in through the other's door, and count a knock that the server never heard; the
    next login that is undisturbed sets it right.
    """
    ssh = ["ssh", "-oBatchMode=yes", "myserver", "echo ${SSH_CONNECTION%% *}"]
    with ThreadPoolExecutor() as pool:
        for _ in range(rounds):
            runs = list(pool.map(lambda client: client.run(ssh, check=False), behind_nat))
            assert_all_succeeded(runs)
            assert runs[0].stdout == runs[1].stdout
    eventually(
        lambda: not any(server.pairing(client.name)["sessions"] for client in behind_nat),
        "all sessions are over",
    )
    for client in behind_nat:
        client.ssh("myserver", "true")
        assert server.pairing(client.name)["next"] == client.pairing()["confirmed"] + 1


@pytest.mark.long
def test_one_client_to_twenty_servers_at_once(open_module_lab: OpenLab) -> None:
    """As Ansible does it: a pairing for each of twenty servers, and ssh to all of them at once."""
    lab = open_module_lab()
    client = lab.client()
    servers = [lab.server(f"server{number}") for number in range(SERVERS)]
    for server in servers:
        server.init()
        client.enroll(server, server.name)
    show = "echo $SSH_CONNECTION"
    runs = at_once(client, [["ssh", "-oBatchMode=yes", s.name, show] for s in servers])
    assert_all_succeeded(runs)
    assert [done.stdout.split()[2] for done in runs] == [server.ipv4 for server in servers]
    here = {pairing["name"]: pairing["confirmed"] for pairing in client.status()["pairings"]}
    there = {server.name: server.pairing(client.name)["next"] for server in servers}
    assert there == {name: confirmed + 1 for name, confirmed in here.items()}
