"""Figures are drawn by the laboratory's settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sshknock.analysis.figures import style


@pytest.fixture(autouse=True)
def laboratory() -> Iterator[None]:
    """Each test within the settings."""
    with style.styled():
        yield
