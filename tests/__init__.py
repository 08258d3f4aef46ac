"""Tests, one folder a part; `lab` holds what runs the real programs."""
