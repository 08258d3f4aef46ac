"""The server: a table in the kernel, an engine that matches knocks, and the books."""
