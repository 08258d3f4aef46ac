"""The page of ``sshknock analyze --html``: reports and figures in one file."""
