"""The commands of ``sshknock`` that make and use pairings; ``sshknock.cli`` puts them together."""
