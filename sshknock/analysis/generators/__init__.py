"""The generators of the laboratory: numbers for the ports, bits for the protocols."""
