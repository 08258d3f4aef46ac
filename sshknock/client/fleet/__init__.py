"""One command for many servers: which ones, several at once, and what became of each."""
