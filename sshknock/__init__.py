"""Hide an SSH server: one-time port knocks on the client, a firewall that listens on the server."""

__version__ = "0.1.0"
