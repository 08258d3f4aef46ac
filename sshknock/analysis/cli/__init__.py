"""The commands of ``sshknock`` that make and examine sequence files."""
