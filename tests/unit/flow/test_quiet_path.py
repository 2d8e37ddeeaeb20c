"""The command `run` behind a NAT that forgets quiet connections and tells nobody."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from consumer.demo import fault_scripts
from consumer.demo.fault_scripts import Script, ScriptedResponse
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import MockBroker
from tests.support import KEYS, Flow, is_refused, wait_until

FORGOTTEN_AFTER = 5.0
IN_FLIGHT = 4  # at least one request for each partition, because the events of two fill more than one
LINGER = 0.5  # the default of BATCH_LINGER_SECONDS


class ForgetfulPath:
    """
    Passes connections on to `port` of loopback.

    What comes on a connection after 5 quiet seconds is confirmed by the system and then lost, and nobody is told.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._used_at: list[float] = []  # by connection
        self.lost_bytes = 0
        self.listener = socket.create_server(("127.0.0.1", 0))

    @property
    def connections(self) -> int:
        return len(self._used_at)

    @property
    def quiet_seconds(self) -> float:
        return time.monotonic() - max(self._used_at)

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                self._used_at.append(time.monotonic())
                for source, target in ((client, server), (server, client)):
                    pair = (source, target, self.connections - 1)
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, number: int) -> None:
        is_forgotten = False
        with suppress(OSError):
            while received := source.recv(65536):
                is_forgotten = is_forgotten or time.monotonic() - self._used_at[number] > FORGOTTEN_AFTER
                if is_forgotten:
                    self.lost_bytes += len(received)
                else:
                    self._used_at[number] = time.monotonic()
                    target.sendall(received)
        source.close()
        target.close()


@contextmanager
def forgetful_path(port: int) -> Iterator[ForgetfulPath]:
    path = ForgetfulPath(port)
    thread = threading.Thread(target=path.accept, daemon=True)
    thread.start()
    yield path
    path.listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    path.listener.close()


@pytest.fixture
def flow(broker: MockBroker, topic: str) -> Iterator[Flow]:
    with SegmentStandIn(KEYS.values()) as segment:
        yield Flow(broker.address, topic, segment, settings={"BATCH_LINGER_SECONDS": str(LINGER)})


def test_after_a_quiet_time_a_record_arrives_at_once(flow: Flow) -> None:
    with forgetful_path(int(flow.segment.front.rstrip("/").rpartition(":")[2])) as path:
        endpoint = f"http://127.0.0.1:{path.listener.getsockname()[1]}/v1/batch"
        flow.settings = {**flow.settings, "SEGMENT_ENDPOINT": endpoint}
        flow.segment.script = fault_scripts.first(fault_scripts.refuse(is_refused), answer_when_all_are_in_flight(path))
        flow.produce(800)
        with flow.member() as member:
            flow.wait_until_settled()
            assert path.connections >= IN_FLIGHT
            wait_until(lambda: path.quiet_seconds > FORGOTTEN_AFTER + 3, "the path to forget all connections")
            before = len(flow.segment.accepted)
            began = time.monotonic()
            flow.produce(1, seed=2)
            assert flow.segment.wait_until(lambda segment: len(segment.accepted) > before)
            assert time.monotonic() - began < 2 + LINGER
            assert member.terminate() == 0
        assert not path.lost_bytes
    assert flow.ledger().even


def answer_when_all_are_in_flight(path: ForgetfulPath) -> Script:
    """Hold each response until so many requests came that each one took a connection, but for two seconds only."""

    def wire(connection: socket.socket, response: bytes, _stopped: threading.Event) -> bool:
        with suppress(AssertionError):
            wait_until(lambda: path.connections >= IN_FLIGHT, "a connection for each request in flight", 2)
        connection.sendall(response)
        return True

    return fault_scripts.repeatedly(ScriptedResponse(wire=wire))
