"""The units for systemd: what they say, and putting them in and out.

``sshknock-boot`` hides the port before the network comes up, ``sshknock`` is the supervisor,
``sshknock-knockd@`` runs a knockd for each snapshot of its configuration. What a hook forks lives
in the group of the unit that ran it; hence ``KillMode=process``: stopping the old knockd must not
kill the reconcile that stops it.
"""

from __future__ import annotations

from pathlib import Path

from sshknock.errors import SystemFault
from sshknock.server import paths
from sshknock.server.installation.program import Program, this_program
from sshknock.system.files import write_private
from sshknock.system.processes import program, run

BOOT = "sshknock-boot.service"
WATCH = "sshknock.service"
KNOCKD = "sshknock-knockd@.service"

_UNIT_MODE = 0o644
_FIREWALLS = "nftables.service ufw.service firewalld.service"

# Root keeps what nft, pcap, the books and a look into sshd's /proc need. /etc stays writable for
# knockd.conf; /proc stays whole. nft makes the kernel load modules, we ourselves load none.
_HARDENING = """\
NoNewPrivileges=yes
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_SYS_PTRACE CAP_DAC_OVERRIDE CAP_CHOWN \
CAP_FOWNER CAP_KILL
RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6 AF_PACKET
ProtectSystem=yes
ProtectHome=read-only
PrivateTmp=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
UMask=0077
"""

_BOOT = """\
[Unit]
Description=Hide the SSH port before the network is up
Documentation=man:nft(8)
DefaultDependencies=no
RequiresMountsFor={state} {hook}
After=local-fs.target {firewalls}
Wants=network-pre.target
Before=network-pre.target ssh.service sshd.service ssh.socket shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={boot}
TimeoutStartSec=60
RuntimeDirectory=sshknock
RuntimeDirectoryMode=0755
RuntimeDirectoryPreserve=yes
{hardening}
[Install]
WantedBy=multi-user.target
"""

# It comes back however often it is killed: systemd's own limit, five times in ten seconds, would
# leave a server on which nobody notices a lost table.
_WATCH = """\
[Unit]
Description=Keep the SSH port hidden, and the doors in step
Documentation=man:nft(8) man:knockd(1)
After={boot_unit} {firewalls} network-online.target
Wants=network-online.target
ReloadPropagatedFrom={firewalls}
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={watch}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=1
KillMode=process
RuntimeDirectory=sshknock
RuntimeDirectoryMode=0755
RuntimeDirectoryPreserve=yes
{hardening}
[Install]
WantedBy=multi-user.target
"""

# Little hardening: another instance runs the administrator's own commands, whatever they need.
_KNOCKD = """\
[Unit]
Description=knockd on doors of sshknock (%i)
Documentation=man:knockd(1)
StartLimitIntervalSec=0

[Service]
Type=exec
EnvironmentFile={folder}/%i.env
ExecStart={knockd} -v $KNOCKD_OPTIONS -c {folder}/%i.conf
StandardOutput=truncate:{folder}/%i.log
StandardError=inherit
SuccessExitStatus=0 2 15
Restart=always
RestartSec=1
KillMode=process
TimeoutStopSec=10
ProtectSystem=yes
"""


def units(program: Program, knockd: Path) -> dict[str, str]:
    """Return the text of every unit by its file name."""
    words = {
        "boot_unit": BOOT,
        "boot": program.line("boot"),
        "watch": program.line("watch"),
        "hook": program.hook,
        "knockd": knockd,
        "state": paths.STATE,
        "folder": paths.KNOCKD_RUN,
        "firewalls": _FIREWALLS,
        "hardening": _HARDENING,
    }
    texts = {BOOT: _BOOT, WATCH: _WATCH, KNOCKD: _KNOCKD}
    return {name: text.format_map(words) for name, text in texts.items()}


def install() -> None:
    """Write the units, and have them run now and at every boot; raises SystemFault."""
    knockd = program("knockd", "knockd")
    for name, text in units(this_program(), knockd).items():
        write_private(paths.SYSTEMD_UNITS / name, text.encode(), mode=_UNIT_MODE)
    _systemctl("daemon-reload")
    _systemctl("enable", BOOT, WATCH)
    _systemctl("restart", WATCH)


def start() -> None:
    """Start the supervisor's unit if it does not run; raises SystemFault."""
    _systemctl("start", WATCH)


def are_current(this: Program) -> bool:
    """Tell whether the units are there and run this program."""
    try:
        return all(
            (paths.SYSTEMD_UNITS / name).read_text() == text
            for name, text in units(this, program("knockd", "knockd")).items()
        )
    except OSError:
        return False


def remove() -> None:
    """Stop the units and take them out; raises SystemFault. Twice is no error."""
    present = [name for name in (WATCH, BOOT, KNOCKD) if (paths.SYSTEMD_UNITS / name).exists()]
    if WATCH in present:
        _systemctl("disable", "--now", WATCH)
    if BOOT in present:
        _systemctl("disable", "--now", BOOT)
    if KNOCKD in present:
        _systemctl("stop", KNOCKD.replace("@", "@*"))
    for name in present:
        (paths.SYSTEMD_UNITS / name).unlink(missing_ok=True)
    if present:
        _systemctl("daemon-reload")
        # A knockd that was killed leaves a failed unit behind, without which nothing is left.
        run([str(program("systemctl", "systemd")), "reset-failed", "sshknock*"])


def _systemctl(*arguments: str) -> None:
    done = run([str(program("systemctl", "systemd")), *arguments], timeout_s=60)
    if done.returncode:
        detail = done.stderr.strip().splitlines()
        raise SystemFault(
            f"systemctl {' '.join(arguments)} failed: {detail[0] if detail else 'no word why'}"
        )
