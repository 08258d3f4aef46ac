"""Bits that others have measured too."""

from __future__ import annotations

import numpy as np

PI_BITS = np.array(
    list(
        map(
            int,
            "11001001000011111101101010100010001000010110100011"
            "00001000110100110001001100011001100010100010111000",
        )
    ),
    dtype=np.uint8,
)
"""The example of SP 800-22, sections 2.1.8 and 2.3.8."""
