"""Tests of the attack on the paper's own scheme."""
