"""What ``sshknock analyze`` found, as text, as JSON and as one page."""
