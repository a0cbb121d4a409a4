"""A wire that a test can cut: passes bytes between a port of its own and a server, until told to drop everybody."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Relay:
    """port is where to connect instead of the server's. While it is cut, whoever connects is hung up on."""

    def __init__(self, server: int) -> None:
        self.server, self.is_cut = server, False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> int:
        """Drop every connection, as a broken network would; how many there were."""
        self.is_cut = True
        ended, self._open = self._open, []
        for end in ended:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        return len(ended) // 2

    def mend(self) -> None:
        self.is_cut = False

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            if self.is_cut:
                caller.close()
                continue
            answerer = socket.create_connection(("127.0.0.1", self.server))
            self._open += [caller, answerer]
            for source, target in ((caller, answerer), (answerer, caller)):
                threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while heard := source.recv(65536):
            target.sendall(heard)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay(server: int) -> Iterator[Relay]:
    """One for the time of a test."""
    made = Relay(server)
    try:
        yield made
    finally:
        made.close()
