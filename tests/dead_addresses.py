"""Addresses of loopback at which nothing answers: what a client sends there is lost, as behind a broken route."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.ports import free_port


@contextmanager
def dead_addresses(*hosts: str, port: int = 0) -> Iterator[int]:
    """
    The port at which these addresses do not answer, until the end of the block.

    Linux drops the first packet of a connection while the listener's queue of connections to accept is full.
    """
    port = port or free_port()
    with ExitStack() as closing:
        for host in hosts:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = closing.enter_context(socket.socket(family))
            listener.bind((host, port))
            listener.listen(0)
            while _connects(closing.enter_context(socket.socket(family)), host, port):
                pass
        yield port


def _connects(client: socket.socket, host: str, port: int) -> bool:
    client.settimeout(0.1)
    try:
        client.connect((host, port))
    except TimeoutError:
        return False
    return True
