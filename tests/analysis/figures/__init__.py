"""Tests of the figures: what is drawn is the data, and all of it can be read."""
