"""Carrying sequences to a stock knockd."""
