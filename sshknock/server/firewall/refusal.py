"""What does this host answer on a closed port? A hidden port must not stand out."""

from __future__ import annotations

import json
from typing import Any

from sshknock.server.config import Refuse
from sshknock.server.firewall.table import TABLE
from sshknock.system.processes import program, run


def decide(refuse: Refuse) -> Refuse:
    """Return reset or drop; ``auto`` looks at the other tables' input chains.

    A host whose firewall drops by policy, or ends its input chain with a bare drop, is silent on
    closed ports. Any other answers with a reset, as the kernel does by itself.
    """
    if refuse is not Refuse.AUTO:
        return refuse
    done = run([str(program("nft", "nftables")), "-j", "list", "ruleset"], timeout_s=60)
    if done.returncode:
        return Refuse.RESET
    try:
        silent = _host_is_silent(json.loads(done.stdout)["nftables"])
    except (ValueError, KeyError, TypeError):  # a newer nft's words: answer as hosts do
        return Refuse.RESET
    return Refuse.DROP if silent else Refuse.RESET


def _host_is_silent(items: list[dict[str, Any]]) -> bool:
    own_family, own_name = TABLE.split()
    silent = set()
    last_rule: dict[tuple[str, str, str], list[Any]] = {}
    for item in items:
        if "chain" in item and item["chain"].get("hook") == "input":
            chain = item["chain"]
            key = (chain["family"], chain["table"], chain["name"])
            if key[:2] != (own_family, own_name) and chain["family"] in {"ip", "inet"}:
                last_rule[key] = []
                if chain.get("policy") == "drop":
                    silent.add(key)
        elif "rule" in item:
            rule = item["rule"]
            key = (rule["family"], rule["table"], rule["chain"])
            if key in last_rule:
                last_rule[key] = rule["expr"]
    for key, expressions in last_rule.items():
        verdicts = [e for e in expressions if "counter" not in e]
        if len(verdicts) == 1 and "reject" in verdicts[0]:
            silent.discard(key)
        elif len(verdicts) == 1 and "drop" in verdicts[0]:
            silent.add(key)
    return bool(silent)
