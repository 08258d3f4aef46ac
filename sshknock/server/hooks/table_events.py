"""The kernel's word that a table of nftables was deleted: by a flush, a reload, by hand."""

from __future__ import annotations

import socket
import struct

_NETLINK_NETFILTER = 12  # linux/netlink.h
_GROUP_NFTABLES = 7  # NFNLGRP_NFTABLES, linux/netfilter/nfnetlink.h
_SUBSYSTEM_NFTABLES = 10  # NFNL_SUBSYS_NFTABLES
_DELETE_TABLE = _SUBSYSTEM_NFTABLES << 8 | 2  # NFT_MSG_DELTABLE, linux/netfilter/nf_tables.h
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port
_NAME = b"sshknock\0"
_LONGEST = 65536


class TableEvents:
    """A subscription; raises OSError where the kernel gives none."""

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _NETLINK_NETFILTER
        )
        try:
            self._socket.bind((0, 1 << (_GROUP_NFTABLES - 1)))
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._socket.fileno()

    def table_was_deleted(self) -> bool:
        """Read what has come; True when our table was deleted, or when events were lost."""
        deleted = False
        while True:
            try:
                data = self._socket.recv(_LONGEST)
            except BlockingIOError:
                return deleted
            except OSError:  # ENOBUFS
                deleted = True
            else:
                deleted |= any(_deletes_ours(kind, body) for kind, body in _messages(data))

    def close(self) -> None:
        """End the subscription."""
        self._socket.close()


def _deletes_ours(kind: int, body: bytes) -> bool:
    return kind == _DELETE_TABLE and _NAME in body


def _messages(data: bytes) -> list[tuple[int, bytes]]:
    found = []
    while len(data) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(data)
        if length < _HEADER.size:
            break
        found.append((kind, data[_HEADER.size : length]))
        data = data[(length + 3) & ~3 :]
    return found
