"""Tests of what init installs, and of what it demands."""
