"""``sshknock status``: how the pairings are, and what to do next."""
