"""The server's own program, reached over SSH: the one part of the client that needs asyncssh.

Nothing here is imported by ``sshknock-proxy`` or by ``status``; import-linter holds it.
"""
