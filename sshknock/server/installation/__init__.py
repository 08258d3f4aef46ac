"""What init puts into the system, what it demands of it, and how it is taken out again."""
