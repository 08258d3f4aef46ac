"""What the administrator of a stock knockd has to add, ready to be pasted.

Nothing here touches their files: the program only knows what it wrote into the list.
"""

from __future__ import annotations

import secrets

from sshknock.protocol.knocks import Knock, Transport

DEFAULT_PATH = "/etc/knockd/sequences"

NFT_FILE = "/etc/knocked.nft"
"""A file of its own, so that loading it again changes nothing else."""

DECOYS = 31
"""A section of knockd.conf holds 32 ports, and the first of this one is 0."""

SEQ_TIMEOUT_S = 5
"""knockd counts whole seconds, and one less than it says; the slowest train takes 1.2 s."""

_OPTIONS = """\
# ==== 1 of 2: add this to /etc/knockd.conf ====
# There is an [options] section in it already: keep that one, and add to it what it lacks of this.
[options]
    UseSyslog
    # the one that the knocks come in by:
    Interface = eth0

# These two sections go to the end of the file.
"""

_SECTION = """\
[sshknock-{section}]
    one_time_sequences = {path}
    seq_timeout   = {timeout}
    tcpflags      = syn,!ack
"""

_DECOYS = """
[sshknock-{section}-decoys]
    # Never knocked: whoever tries all ports touches these, and has to begin again.
    sequence      = 0:tcp,{decoys}
    tcpflags      = syn,!ack
"""

_HEADS = {
    "nft": f"""\
# ==== 2 of 2: a new file, {NFT_FILE} ====
# Load it: nft -f {NFT_FILE} && systemctl restart knockd
# For after a reboot: a line  include "{NFT_FILE}"  at the end of /etc/nftables.conf, and
# systemctl enable nftables
""",
    "iptables": """\
# ==== 2 of 2: run these once in a root shell, and then: systemctl restart knockd ====
# For after a reboot: save them as your other rules are saved (netfilter-persistent save, say).
""",
}
_WARNING = """\
# These rules hide port {port}: keep the session that you are in open until
# 'ssh {name}' has worked.
"""

_NFT_TABLE = """\
table inet knocked
delete table inet knocked
table inet knocked {{
    set admitted {{ type ipv4_addr; flags timeout; }}
    chain input {{
        type filter hook input priority 10; policy accept;
        iifname "lo" accept
        tcp dport {port} tcp flags & (syn | ack) == syn ip saddr @admitted accept
        tcp dport {port} tcp flags & (syn | ack) == syn reject with tcp reset
    }}
}}
"""
_NFT_OPEN = (
    "/usr/sbin/nft 'add element inet knocked admitted {{ %IP% }};"
    " delete element inet knocked admitted {{ %IP% }};"
    " add element inet knocked admitted {{ %IP% timeout {seconds}s }}'"
)

_IPTABLES_RULES = """\
iptables  -A INPUT ! -i lo -p tcp --syn --dport {port} -j REJECT --reject-with tcp-reset
ip6tables -A INPUT ! -i lo -p tcp --syn --dport {port} -j REJECT --reject-with tcp-reset
"""
_IPTABLES_RULE = "/usr/sbin/iptables -{} INPUT -s %IP% -p tcp --syn --dport {port} -j ACCEPT"


def sections(firewall: str, *, name: str, path: str, port: int, seconds: int, ports: range) -> str:
    """Return the sections of ``knockd.conf`` and the rules for ``nft`` or ``iptables``.

    The port ``port`` opens to one address for ``seconds``; there is no close sequence. ``ports``
    are those that can be knocked; each call takes other decoys of them.
    """
    conf = _OPTIONS + _SECTION.format(section=name, path=path, timeout=SEQ_TIMEOUT_S)
    if firewall == "nft":
        rules = _NFT_TABLE.format(port=port)
        commands = {"start_command": _NFT_OPEN.format(seconds=seconds)}
    else:
        rules = _IPTABLES_RULES.format(port=port)
        commands = {
            "start_command": _IPTABLES_RULE.format("I", port=port),
            "cmd_timeout": str(seconds),
            "stop_command": _IPTABLES_RULE.format("D", port=port),
        }
    conf += "".join(f"    {key:13} = {value}\n" for key, value in commands.items())
    conf += _DECOYS.format(section=name, decoys=",".join(map(str, _decoys(ports))))
    return f"{conf}\n{_HEADS[firewall]}{_WARNING.format(port=port, name=name)}{rules}"


def _decoys(ports: range) -> list[Knock]:
    """Return random ports. One that is also a knock does no harm: knockd looks for that first."""
    dice = secrets.SystemRandom()
    drawn = dice.sample(ports, min(DECOYS, len(ports)))
    return [Knock(port, dice.choice(tuple(Transport))) for port in drawn]
