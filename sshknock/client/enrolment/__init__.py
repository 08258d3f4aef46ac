"""Enrolment over SSH: from an account on a server to a pairing that is proven to open its door.

``over_ssh.enroll_via`` does one server, from beginning to end, without printing or asking: who
calls it says how (``order``). Several may run at once, in threads.
"""
