"""The server's program over SSH, with asyncssh's own server at the other end."""
