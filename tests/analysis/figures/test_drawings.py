"""What is drawn is the data."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle, StepPatch

from sshknock.analysis.attack.effort import Effort
from sshknock.analysis.figures import (
    attack,
    attractors,
    combining,
    distance,
    lettering,
    ports,
    protocols,
    style,
    waveforms,
)
from sshknock.analysis.report.model import Series
from sshknock.protocol.knocks import Knock, Sequence, Transport
from tests.analysis.figures.reading import texts

TCP, UDP = Transport.TCP, Transport.UDP


def marked(axes: Axes, marker: str) -> list[tuple[float, float]]:
    """The points of an axes that have this mark."""
    return [
        (float(x), float(y))
        for line in axes.lines
        if line.get_marker() == marker
        for x, y in np.asarray(line.get_xydata())
    ]


def counted(steps: StepPatch) -> np.ndarray:
    """The heights of a histogram's steps."""
    return np.asarray(steps.get_data()[0])


def test_the_histogram_counts_every_number_and_shows_bins_outside_the_band() -> None:
    """65536 numbers, none left out at either end; a bin that holds too many is drawn again."""
    numbers = np.append(np.arange(1 << 16), np.full(90, 65535))
    (axes,) = ports.histogram(numbers, "a source").figure.axes
    bins, *outside = [patch for patch in axes.patches if isinstance(patch, StepPatch)]
    assert counted(bins).sum() == len(numbers)
    assert counted(bins)[0] == 256
    assert [counted(patch).tolist() for patch in outside] == [[256 + 90]]


def test_the_attractor_shows_all_pairs_as_pixels() -> None:
    """20000 of them, in a file of less than 200 kB."""
    x, y = np.random.default_rng(1).uniform(-1, 1, (2, 20_000))
    sheet = attractors.henon(x, y, 0.41085, "how")
    assert marked(sheet.figure.axes[0], ".") == list(zip(x, y, strict=True))
    svg = sheet.svg()
    assert svg.count("<image") == 2
    assert len(svg) < 200_000


def test_the_waveform_marks_each_sample_by_its_side_of_the_threshold() -> None:
    """Every eighth value: above is udp, at or below is tcp."""
    x = np.linspace(-1, 1, 300)
    axes = waveforms.henon(x, 0.3 * x, 0.5, 8, "how").figure.axes[0]
    samples = [(float(i + 1), float(x[i])) for i in range(7, 300, 8)]
    assert marked(axes, style.UDP_MARK) == [sample for sample in samples if sample[1] > 0.5]
    assert marked(axes, style.TCP_MARK) == [sample for sample in samples if sample[1] <= 0.5]


def test_the_bars_are_the_shares_of_tcp_and_udp_and_the_curve_ends_in_the_latter() -> None:
    """Three of four bits are udp here."""
    bars, settling = protocols.histogram(np.tile([1, 1, 0, 1], 500), "a source").figure.axes
    heights = [bar.get_height() for bar in bars.patches if isinstance(bar, Rectangle)]
    assert heights == [0.25, 0.75]
    curve = np.asarray(settling.lines[-1].get_xydata())
    assert curve[-1].tolist() == [2000, 0.75]


def test_a_knock_is_a_port_with_the_protocol_of_the_sample_below_it() -> None:
    """The last step of each port's stretch of the orbit is the sample."""
    orbit = np.array([9, 0.1, 9, 0.9, -9, 0.8, -9, 0.2])
    streams = combining.Streams((11, 12, 13, 14), orbit, 0.5, (4,))
    assert streams.knocks == (Knock(11, TCP), Knock(12, UDP), Knock(13, UDP), Knock(14, TCP))


def test_the_figure_of_both_streams_shows_ports_bits_and_the_lines_of_the_file() -> None:
    """What is weak is shown as cut, and is no line."""
    orbit = np.repeat([0.1, 0.9, 0.8, 0.9, 0.9, 0.8], 8)
    streams = combining.Streams((5000, 3000, 4000, 9000, 7000, 8000), orbit, 0.5, (3, 3))
    words = [text.get_text() for text in texts(combining.combining(streams, "a source", "how"))]
    assert [word for word in words if word.isdigit()] == [str(port) for port in streams.ports]
    assert [w for w in words if w in {"0 tcp", "1 udp"}] == ["0 tcp", *["1 udp"] * 5]
    assert "3: line 1" in words
    assert "3: weak, left out" in words
    assert "line 2" not in words
    assert "".join(words).count("5000:tcp,3000:udp,4000:udp") == 1


@pytest.mark.parametrize("count", [1, 8])
def test_sequences_are_typeset_as_they_stand_in_a_file(count: int) -> None:
    """Letter by letter, a line each."""
    sequences: list[Sequence] = [
        (Knock(5000 + i, TCP), Knock(3000, UDP), Knock(61405, TCP)) for i in range(count)
    ]
    words = "".join(text.get_text() for text in texts(lettering.examples(sequences, "how")))
    for i, sequence in enumerate(sequences):
        assert f"{i + 1}{','.join(map(str, sequence))}" in words


def test_the_distance_in_use_is_marked_on_its_curve() -> None:
    """And on no other point."""
    curve = Series("k", "entropy", "steps", "share", ((1, 0.7), (4, 0.97), (8, 0.998)), 1, 8)
    (axes,) = distance.block_entropy([("Hénon", curve)], "how").figure.axes
    assert marked(axes, "D") == [(8, 0.998)]
    assert marked(axes, "o") == list(curve.points)


@pytest.mark.parametrize(
    ("guesses", "seconds", "words"),
    [
        (6, -1, "1 million guesses, less than a second"),
        (7.778, 2.778, "60 million guesses, 10 minutes"),
        (10.937, 4.937, "86 billion guesses, 1 day"),
        (77.06, 64.6, "$10^{77}$ guesses, $10^{57}$ years"),
    ],
)
def test_guesses_and_times_are_told_in_words_that_can_be_grasped(
    guesses: float, seconds: float, words: str
) -> None:
    """Two digits that count, and the largest unit that there is one of."""
    row = Effort("a day", guesses / np.log10(2), seconds)
    assert f"{attack.guesses(row)}, {attack.duration(row)}" == words
