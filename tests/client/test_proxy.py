"""The proxy as a process, as ssh runs it, against a door on the loopback."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sshknock.client import config, sessions
from sshknock.client.keyrings.file import FileStore, keyring_folder
from sshknock.protocol.counters import ClientCounters
from sshknock.records import replace
from tests.client.conftest import finish, hang_up, log_in, pair, read, start_proxy, write
from tests.client.door import BANNER, HOST, PARAMETERS, Door, free_port

FOUR_ATTEMPTS = replace(PARAMETERS, window=4)


def test_a_session_opens_relays_confirms_and_closes_once(door: Door) -> None:
    """One train, one connection, the bytes both ways, one close train of the same counter."""
    store = pair(door)
    proxy = start_proxy(HOST, door.port)
    assert read(proxy.stdout, len(BANNER)) == BANNER
    write(proxy, b"hello")
    assert read(proxy.stdout, 5) == b"hello"
    assert sessions.count("box") == 1
    assert proxy.stdin is not None
    proxy.stdin.close()
    assert read(proxy.stdout, 1) == b""
    assert finish(proxy) == (0, b"")
    assert door.wait_for(lambda: len(door.closed) > 0)
    assert (door.trains, door.closed, door.accepted) == ([0], [0], 1)
    state = store.load()
    assert (state.counters.confirmed, state.counters.sent) == (0, 0)
    assert state.last_result == "opened"
    assert sessions.count("box") == 0


def test_a_refusal_before_the_door_opens_makes_the_confirm_strong() -> None:
    """The port was seen shut after the train had left: what opened it was the train.

    A busy machine may look too late for that, or knock twice.
    """
    for _ in range(8):
        with Door(opens_after_s=0.2) as door:
            store = pair(door)
            log_in(door)
            state = store.load()
        if state.refuses and door.trains == [0]:
            assert (state.counters.strong, door.accepted) == (0, 1)
            return
    pytest.fail("the port was never seen shut after a single train")


def test_an_end_by_the_server_reaches_ssh(door: Door) -> None:
    """The server says goodbye: ssh reads the end, ends itself, and the close goes out."""
    door.serve = lambda connection: connection.sendall(BANNER)
    pair(door)
    proxy = start_proxy(HOST, door.port)
    assert read(proxy.stdout, 100) == BANNER
    hang_up(proxy)
    assert finish(proxy)[0] == 0
    assert door.wait_for(lambda: door.closed == [0])


def test_a_server_that_accepts_and_hangs_up_is_no_confirm(door: Door) -> None:
    """No identification line, asked three times: exit 1, one line, and nothing is confirmed."""
    door.serve = lambda connection: connection.sendall(b"go away\r\n")
    store = pair(door)
    proxy = start_proxy(HOST, door.port)
    code, errors = finish(proxy)
    assert code == 1
    assert errors.startswith(b"sshknock: 127.0.0.1 port ")
    assert b"closed the connection at once" in errors
    counters = store.load().counters
    assert (counters.confirmed, counters.sent) == (-1, 2)
    assert door.wait_for(lambda: door.closed == [2])


def test_a_server_that_hangs_up_and_then_opens_no_more_is_said_to_have_hung_up() -> None:
    """It opened for 0: that is the door to close, and nobody is told that none ever opened."""
    with Door(accept_until=0, serve=lambda _: None) as door:
        pair(door, parameters=FOUR_ATTEMPTS)
        code, errors = finish(start_proxy(HOST, door.port))
        assert code == 1
        first, hint = errors.decode().splitlines()
        assert first == f"sshknock: {HOST} port {door.port} closed the connection at once"
        assert "MaxStartups" in hint
        assert door.wait_for(lambda: len(door.closed) > 0)
        assert (door.opened, door.closed) == ([0], [0])


def test_a_server_that_is_busy_is_asked_again(door: Door) -> None:
    """It hangs up (MaxStartups): the next connection hears what ssh said, and ssh the answer."""
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        if not heard:
            heard.append(connection.recv(100))
            connection.sendall(b"Exceeded MaxStartups\r\n")
        else:
            connection.sendall(BANNER)
            heard.append(connection.recv(100))
            connection.sendall(b"welcome\r\n")
            connection.recv(1)

    door.serve = serve
    store = pair(door)
    proxy = start_proxy(HOST, door.port)
    write(proxy, b"SSH-2.0-client\r\n")
    text = b"Exceeded MaxStartups\r\n" + BANNER + b"welcome\r\n"
    assert read(proxy.stdout, len(text)) == text
    assert heard == [b"SSH-2.0-client\r\n"] * 2
    hang_up(proxy)
    assert finish(proxy) == (0, b"")
    assert store.load().counters.confirmed == 1


def test_lines_before_the_identification_are_passed_on(door: Door) -> None:
    """RFC 4253 allows them; the confirm comes with the line that begins with SSH-."""
    text = b"welcome\r\nto the machine\r\n" + BANNER

    def serve(connection: socket.socket) -> None:
        connection.sendall(text)
        connection.recv(1)

    door.serve = serve
    store = pair(door)
    proxy = start_proxy(HOST, door.port)
    assert read(proxy.stdout, len(text)) == text
    hang_up(proxy)
    assert finish(proxy)[0] == 0
    assert store.load().counters.confirmed == 0


def test_a_lost_train_is_followed_by_the_next_counter() -> None:
    """The server ignores 0: the second attempt, with 1, gets in."""
    with Door(accept_from=1) as door:
        store = pair(door)
        log_in(door)
        assert door.trains == [0, 1]
        assert (store.load().counters.confirmed, store.load().counters.sent) == (1, 1)
        assert door.wait_for(lambda: door.closed == [1])


def test_the_close_train_is_paced_like_the_open_one_that_arrived(tmp_path: Path) -> None:
    """A link that broke the quick train would break a quick close train too."""
    told = tmp_path / "told"
    code = (
        "import pathlib, sys\n"
        "from sshknock.client import proxy, proxy_main\n"
        f"told = pathlib.Path({str(told)!r})\n"
        "proxy.send_close = lambda *_, attempt: told.write_text(str(attempt))\n"
        "proxy_main.main()\n"
    )
    with Door(accept_from=1) as door:
        pair(door)
        proxy = subprocess.Popen(
            [sys.executable, "-c", code, HOST, str(door.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        assert read(proxy.stdout, len(BANNER)) == BANNER
        hang_up(proxy)
        finish(proxy)
    assert told.read_text() == "1"


def test_the_state_is_saved_before_the_first_packet() -> None:
    """Killed as soon as its train is seen: the counter is stored as used, and not used again."""
    with Door(accept_from=100) as door:
        store = pair(door)
        proxy = start_proxy(HOST, door.port)
        assert door.wait_for(lambda: door.trains == [0])
        assert store.load().counters.sent == 0
        proxy.kill()
        finish(proxy)
        second = start_proxy(HOST, door.port)
        assert door.wait_for(lambda: len(door.trains) > 1)
        assert door.trains == [0, 1]
        second.kill()
        finish(second)


def test_a_server_that_never_opens_is_exit_5_in_bounded_time() -> None:
    """As many attempts as the window allows, one line, and a hint that names the causes."""
    with Door(accept_from=100) as door:
        store = pair(door, parameters=FOUR_ATTEMPTS)
        started = time.monotonic()
        code, errors = finish(start_proxy(HOST, door.port))
        assert time.monotonic() - started < 16
        assert code == 5
        first, hint = errors.decode().splitlines()
        assert first.startswith(f"sshknock: 127.0.0.1 did not open port {door.port} in 4 attempts")
        assert hint.startswith("sshknock: hint: ")
        for word in ("'sshknock doctor box'", "firewall", "high ports", "UDP"):
            assert word in hint
        assert hint.endswith(" sshknock sync box --search")
        assert store.load().last_result == "failed"
        assert store.load().counters.sent == 3


def test_a_waiter_that_sees_the_holder_fail_tries_once() -> None:
    """Two at once against a dead door: the first makes all its attempts, the second one."""
    with Door(accept_from=100) as door:
        pair(door, parameters=FOUR_ATTEMPTS)
        holder = start_proxy(HOST, door.port)
        assert door.wait_for(lambda: len(door.trains) > 0)
        waiter = start_proxy(HOST, door.port)
        assert finish(holder)[0] == 5
        code, errors = finish(waiter)
        assert code == 5
        assert b" in 1 attempt (" in errors
        assert door.wait_for(lambda: door.trains == [0, 1, 2, 3, 3])


def test_parallel_runs_do_not_mix_their_trains() -> None:
    """Four at once: four counters, in order, each with its own connection."""
    with Door() as door:
        store = pair(door)
        proxies = [start_proxy(HOST, door.port) for _ in range(4)]
        for proxy in proxies:
            assert read(proxy.stdout, len(BANNER)) == BANNER
        assert sessions.count("box") == 4
        for proxy in proxies:
            hang_up(proxy)
            assert finish(proxy)[0] == 0
        assert door.wait_for(lambda: len(door.closed) == 4)
        assert door.trains == [0, 1, 2, 3]
        assert sorted(door.closed) == [0, 1, 2, 3]
        assert (store.load().counters.confirmed, store.load().counters.sent) == (3, 3)


def test_a_port_that_is_open_to_all_is_used_without_a_train(door: Door) -> None:
    """A probe is due and the port answers: no train, nothing burnt, a warning."""
    store = pair(door, counters=ClientCounters(3, 3), last_open=1)
    with socket.create_server((HOST, door.port)) as listener:
        proxy = start_proxy(HOST, door.port)
        connection, _ = listener.accept()
        with connection:
            connection.sendall(BANNER)
            assert read(proxy.stdout, len(BANNER)) == BANNER
            hang_up(proxy)
            code, errors = finish(proxy)
    assert code == 0
    first, hint = errors.decode().splitlines()
    assert first == f"sshknock: warning: port {door.port} of {HOST} opened without a knock"
    assert hint.startswith("sshknock: hint: either it is not hidden, or your address is let in")
    state = store.load()
    assert (state.counters, state.last_result) == (ClientCounters(3, 3), "not hidden")
    assert (door.trains, door.closed) == ([], [])


def test_the_confirm_after_an_unanswered_probe_is_strong(door: Door) -> None:
    """The port was seen shut in this run, so what opened it was the train."""
    store = pair(door, counters=ClientCounters(0, 0), last_open=1)
    proxy = start_proxy(HOST, door.port)
    assert read(proxy.stdout, len(BANNER)) == BANNER
    hang_up(proxy)
    assert finish(proxy) == (0, b"")
    assert store.load().counters.strong == 1


def test_no_pairing_is_exit_3_and_nothing_is_sent(door: Door) -> None:
    """It never connects without a knock."""
    pair(door)
    with socket.create_server((HOST, 0)) as listener:
        listener.setblocking(False)
        code, errors = finish(start_proxy(HOST, listener.getsockname()[1]))
        assert code == 3
        assert errors.startswith(b"sshknock: no pairing is for 127.0.0.1 port")
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert finish(start_proxy("--name", "nobody", HOST, door.port))[0] == 3
    assert door.trains == []


def test_a_name_overrides_the_host(door: Door) -> None:
    """`--name` takes the pairing, whatever ssh calls the host."""
    pair(door)
    proxy = start_proxy("--name=box", "localhost", door.port)
    assert read(proxy.stdout, len(BANNER)) == BANNER
    hang_up(proxy)
    assert finish(proxy)[0] == 0


def test_an_unknown_host_burns_nothing(door: Door) -> None:
    """Exit 1, one line with a hint, the counters as they were."""
    store = pair(door)
    code, errors = finish(start_proxy("--name", "box", "nowhere.invalid", 22))
    assert code == 1
    assert errors.startswith(b"sshknock: cannot find the address of nowhere.invalid: ")
    assert store.load().counters == ClientCounters()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["box"],
        ["box", "22", "more"],
        ["box", "ssh"],
        ["box", "0"],
        ["-oX", "22"],
        ["a b", "22"],
        ["box", "22", "--name"],
        ["box", "22", "--name", "../x"],
        ["box", "22", "--verbose"],
    ],
)
def test_a_wrong_command_line_is_exit_2(arguments: list[str]) -> None:
    """One line and the usage."""
    code, errors = finish(start_proxy(*arguments))
    assert code == 2
    assert len(errors.splitlines()) == 2
    assert errors.startswith(b"sshknock: ")


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version(option: str) -> None:
    """Both answer on standard output."""
    proxy = start_proxy(option)
    assert b"sshknock-proxy" in read(proxy.stdout, 25)
    assert finish(proxy) == (0, b"")


def test_two_pairings_for_one_host_are_exit_2(door: Door) -> None:
    """Which one is not guessed."""
    pair(door, "one")
    pair(door, "two")
    code, errors = finish(start_proxy(HOST, door.port))
    assert code == 2
    assert b"--name" in errors


@pytest.mark.parametrize("text", ["{", "hunter2", '{"version":1}'])
def test_a_damaged_item_is_exit_1_and_stays(door: Door, text: str) -> None:
    """One clear line with a hint; nothing is sent and nothing is overwritten."""
    pair(door)
    kept = FileStore(keyring_folder(), "sshknock")
    kept.set("box", text)
    code, errors = finish(start_proxy(HOST, door.port))
    assert code == 1
    assert errors.startswith(b"sshknock: the keyring's item for 'box' cannot be used")
    assert b"sshknock: hint: " in errors
    assert kept.get("box") == text
    assert door.trains == []


def test_a_damaged_config_is_exit_1() -> None:
    """The file and the key are named, and there is no traceback."""
    path = config.config_file()
    path.parent.mkdir(parents=True)
    path.write_text("version = 1\ncolour = 2\n")
    code, errors = finish(start_proxy(HOST, free_port()))
    assert code == 1
    assert str(path).encode() in errors
    assert b"colour" in errors
    assert b"Traceback" not in errors


def test_no_session_bus_is_exit_4(door: Door) -> None:
    """The pairing's keyring cannot be reached: said, with a hint, and nothing is sent."""
    pair(door)
    with config.changing() as known:
        old = known.pairings["box"]
        known.pairings["box"] = replace(old, keyring="keyring.backends.SecretService:Keyring")
    code, errors = finish(start_proxy(HOST, door.port))
    assert code == 4
    assert b"session bus" in errors
    assert b"sshknock: hint: " in errors
    assert door.trains == []


def test_the_hot_path_imports_little(door: Door) -> None:
    """Neither asyncssh, nor a library for command lines, nor keyring: ssh waits for every one."""
    pair(door)
    code = (
        "import sys\n"
        "from sshknock.client import proxy_main\n"
        f"sys.argv = ['sshknock-proxy', '{HOST}', '{door.port}']\n"
        "proxy_main.main()\n"
        "heavy = {'asyncssh', 'asyncio', 'click', 'rich', 'keyring', 'platformdirs', 'argparse',\n"
        "         'subprocess', 'importlib.metadata', 'threading', 'ssl',\n"
        "         'tempfile', 'random', 'base64', 'jeepney'}\n"
        "sys.exit(3 if heavy & set(sys.modules) else 0)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    assert read(process.stdout, len(BANNER)) == BANNER
    hang_up(process)
    assert process.wait(20) == 0
