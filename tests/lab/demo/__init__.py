"""What `contrib/demo.sh` shows: plays for an audience, on the lab's hosts.

A play is a function of a stage and a lab. It says what it shows, runs the commands that it prints,
and checks what it claims.
"""
