"""Owns the choice of the TCP ports that tests listen on."""

import itertools
import os
import socket

_FIRST, _END, _PROCESSES = 10_000, 32_000, 64
_candidates = itertools.count(os.getpid() // _PROCESSES)


def free_port() -> int:
    """
    A port that nothing listens on, which no other process of the tests chooses at the same time.

    Linux takes the ports of outgoing connections from 32768 on. One of these would not do for a broker: while it
    restarts, a client that connects to its port can get the same port for itself, and the client is then connected to
    itself until the broker gives up.
    """
    choices = (_END - _FIRST) // _PROCESSES
    for number in itertools.islice(_candidates, choices):
        port = _FIRST + os.getpid() % _PROCESSES + number % choices * _PROCESSES
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port
    raise OSError("no free port")
