"""The kernel's side: one nftables table, ``inet sshknock``, that only hides."""
