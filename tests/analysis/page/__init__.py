"""Tests of the page: it is whole by itself, and says all that was measured."""
