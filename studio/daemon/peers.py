"""Who is at the other end of the socket, as the kernel says (unix(7), SO_PEERCRED), not as it says itself."""

from __future__ import annotations

import pwd
import socket
import struct

from studio.protocol.wire import You

# socket.h (asm-generic); Python has no name for it. It reads 1,024 bytes at most: whoever has more than 256 groups is not let in.
_SO_PEERGROUPS = 59
_GROUP_BYTES = 1_024


def peer(connection: socket.socket) -> You:
    """The user of the process that connected. `uid` is -1 where the system cannot say, which nobody is."""
    uid = _uid(connection)
    return You(uid=uid, user=user_name(uid))


def _uid(connection: socket.socket) -> int:
    if hasattr(socket, "SO_PEERCRED"):
        size = struct.calcsize("3i")
        _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
        return int(uid)
    # macOS: LOCAL_PEERCRED (0x001) at level SOL_LOCAL (0) gives struct xucred: version, uid, groups (sys/ucred.h).
    try:
        return int(struct.unpack("2I", connection.getsockopt(0, 0x001, 76)[:8])[1])
    except OSError:
        return -1


def in_group(connection: socket.socket, group: int) -> bool:
    """Whether the process that connected belongs to `group`, by its own group or one of the others it has (Linux)."""
    if not hasattr(socket, "SO_PEERCRED"):
        return False
    size = struct.calcsize("3i")
    _, _, own = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    if own == group:
        return True
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUP_BYTES)
    except OSError:
        return False
    return group in struct.unpack(f"{len(raw) // 4}I", raw)


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
