"""Measurements on the lab's hosts. Each is a ratio to something measured in the same run."""
