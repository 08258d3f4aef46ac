"""What the administrator of a stock knockd has to add, ready to be pasted.

Nothing here touches their files: the program only knows what it wrote into the list.
"""

from __future__ import annotations

DEFAULT_PATH = "/etc/knockd/sequences"

SEQ_TIMEOUT_S = 5
"""knockd counts whole seconds, and one less than it says; the slowest train takes 1.4 s."""

_SECTION = """\
[options]
    UseSyslog
    # the one that the knocks come in by:
    Interface = eth0

[{section}]
    one_time_sequences = {path}
    seq_timeout   = {timeout}
    tcpflags      = syn,!ack
"""

_HEADS = {
    "nft": "/etc/nftables.conf, to hide port {port}; keep the session that you are in open",
    "iptables": "to hide port {port}; keep the session that you are in open",
}

_NFT_TABLE = """\
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

FIREWALLS = tuple(_HEADS)


def sections(firewall: str, *, name: str, path: str, port: int, seconds: int) -> str:
    """Return the sections of ``knockd.conf`` and the rules for ``nft`` or ``iptables``.

    The port ``port`` opens to one address for ``seconds``; there is no close sequence.
    """
    conf = _SECTION.format(section=f"sshknock-{name}", path=path, timeout=SEQ_TIMEOUT_S)
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
    return f"# /etc/knockd.conf\n{conf}\n# {_HEADS[firewall].format(port=port)}\n{rules}"
