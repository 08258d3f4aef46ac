"""One command for many servers."""
