"""What knockd, PAM, sshd and the service manager run as root; one module a command of hook.py."""
