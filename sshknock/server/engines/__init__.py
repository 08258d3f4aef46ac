"""What matches the knocks: one folder an engine, behind the interface in ``base``."""
