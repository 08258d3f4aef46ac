"""``sshknock doctor``: what is wrong between here and a server, and what to do about it.

``findings`` is what is told, ``examination`` the order of the checks. ``here`` looks at this
machine, ``packets`` and ``trial`` send something and listen closer than a login does, and
``verdict`` judges, without any input or output, what that can mean and what it cannot.
"""
