"""UDP sockets that only send: one for each kind of address, never waited for."""

import socket

from engine.remote.osc.subscriptions import Address


class UdpSender:
    """Sends to whoever was named at the start. One thread at a time.

    The socket that listens on 127.0.0.1 can send to this machine only, and one that listens on IPv4 not over IPv6.
    """

    def __init__(self) -> None:
        self._sockets: dict[socket.AddressFamily, socket.socket] = {}

    def send(self, packet: bytes, address: Address) -> bool:
        """Send without waiting. False if the system does not take it: its buffer is full, or there is no way there."""
        try:
            self._socket(address).sendto(packet, address)
        except OSError:
            return False
        return True

    def _socket(self, address: Address) -> socket.socket:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        sender = self._sockets.get(family)
        if sender is None:
            sender = socket.socket(family, socket.SOCK_DGRAM)
            sender.setblocking(False)
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            self._sockets[family] = sender
        return sender

    def close(self) -> None:
        """Give the sockets back."""
        for sender in self._sockets.values():
            sender.close()
        self._sockets.clear()
