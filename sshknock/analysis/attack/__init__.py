"""How breakable a seed from the clock is: one train is seen, the rest is computed."""
