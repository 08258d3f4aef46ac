"""Carrying one-time sequences to a server that has a stock knockd, and nothing of ours.

``carried`` compares the file with the derivation, ``places`` are where it can be, ``pushing`` does
it, and ``conf`` is what the server's administrator has to add.
"""
