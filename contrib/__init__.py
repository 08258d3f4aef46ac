"""What goes with the programs, and is not installed with them."""
