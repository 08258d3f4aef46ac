"""The client: OpenSSH's ProxyCommand, and the tool that people type."""
