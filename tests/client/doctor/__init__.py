"""The doctor, without a network."""
