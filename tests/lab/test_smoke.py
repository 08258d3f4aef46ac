"""The main job, once: where this fails the other tests of the lab say nothing new."""

from __future__ import annotations

import pytest

from tests.lab import Lab
from tests.lab.conftest import make_pair

pytestmark = pytest.mark.lab


def test_ssh_just_works_and_the_port_is_hidden_before_and_after(lab: Lab) -> None:
    """From nothing to `ssh myserver` through a real knockd, and a stranger sees no SSH port."""
    pair = make_pair(lab)
    stranger = lab.host("stranger")
    assert stranger.connects(pair.server.ipv4) == "refused"
    assert pair.laptop.ssh("myserver", "echo it works").stdout == "it works\n"
    assert stranger.connects(pair.server.ipv4) == "refused"
    assert pair.laptop.connects(pair.server.ipv4) == "refused"
    pair.in_step()
