"""Owns a broker inside this process that answers chosen requests with errors: librdkafka's mock, via its C API."""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import confluent_kafka

# The protocol's numbers of these requests (kafka.apache.org/protocol, "API keys")
PRODUCE, LIST_OFFSETS, OFFSET_COMMIT, OFFSET_FETCH = 0, 2, 8, 9
BROKER = 1  # the only broker's id
PRODUCER = 0  # rdkafka.h, rd_kafka_type_t


class FailingBroker:
    """
    A broker that fails the requests that a test chooses.

    The functions are from rdkafka_mock.h. The library in confluent-kafka's wheel exports them, and they can change with
    its version.
    """

    def __init__(self, library: ctypes.CDLL, cluster: int) -> None:
        self._library, self._cluster = library, cluster
        address: bytes = library.rd_kafka_mock_cluster_bootstraps(cluster)
        self.address = address.decode()

    def create_topic(self, name: str, partitions: int) -> None:
        assert self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1) == 0

    def fail(self, request: int, codes: Sequence[int]) -> None:
        """Answer the next requests of this kind with these errors. `requests` counts from here."""
        errors = (ctypes.c_int * len(codes))(*codes)
        self._library.rd_kafka_mock_push_request_errors_array(self._cluster, request, len(codes), errors)
        self._library.rd_kafka_mock_start_request_tracking(self._cluster)

    def delay(self, seconds: float) -> None:
        """Answer each request after this time."""
        self._library.rd_kafka_mock_broker_set_rtt(self._cluster, BROKER, round(1000 * seconds))

    def clear_errors(self, request: int) -> None:
        """Drop the errors that were chosen for this kind of request and not sent yet."""
        self._library.rd_kafka_mock_clear_request_errors(self._cluster, request)

    def requests(self, kind: int) -> int:
        """How many requests of this kind have arrived since the last `fail`."""
        count = ctypes.c_size_t()
        requests = self._library.rd_kafka_mock_get_requests(self._cluster, ctypes.byref(count))
        kinds = [self._library.rd_kafka_mock_request_api_key(requests[number]) for number in range(count.value)]
        self._library.rd_kafka_mock_request_destroy_array(requests, count)
        return kinds.count(kind)


@contextmanager
def failing_broker() -> Iterator[FailingBroker]:
    library = _library()
    reason = ctypes.create_string_buffer(512)
    handle = library.rd_kafka_new(PRODUCER, None, reason, len(reason))
    assert handle, reason.value
    cluster = library.rd_kafka_mock_cluster_new(handle, 1)
    try:
        yield FailingBroker(library, cluster)
    finally:
        library.rd_kafka_mock_cluster_destroy(cluster)
        library.rd_kafka_destroy(handle)


def _library() -> ctypes.CDLL:
    folder = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    (path,) = folder.glob("librdkafka-*")
    library = ctypes.CDLL(str(path))
    pointer = ctypes.c_void_p
    library.rd_kafka_new.restype = library.rd_kafka_mock_cluster_new.restype = pointer
    library.rd_kafka_new.argtypes = [ctypes.c_int, pointer, ctypes.c_char_p, ctypes.c_size_t]
    library.rd_kafka_mock_cluster_new.argtypes = [pointer, ctypes.c_int]
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    library.rd_kafka_mock_cluster_bootstraps.argtypes = [pointer]
    library.rd_kafka_mock_topic_create.argtypes = [pointer, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]
    library.rd_kafka_mock_push_request_errors_array.argtypes = [
        pointer,
        ctypes.c_int16,
        ctypes.c_size_t,
        ctypes.POINTER(ctypes.c_int),
    ]
    library.rd_kafka_mock_push_request_errors_array.restype = None
    library.rd_kafka_mock_broker_set_rtt.argtypes = [pointer, ctypes.c_int32, ctypes.c_int]
    library.rd_kafka_mock_clear_request_errors.argtypes = [pointer, ctypes.c_int16]
    library.rd_kafka_mock_clear_request_errors.restype = None
    library.rd_kafka_mock_start_request_tracking.argtypes = [pointer]
    library.rd_kafka_mock_start_request_tracking.restype = None
    library.rd_kafka_mock_get_requests.restype = ctypes.POINTER(pointer)
    library.rd_kafka_mock_get_requests.argtypes = [pointer, ctypes.POINTER(ctypes.c_size_t)]
    library.rd_kafka_mock_request_api_key.restype = ctypes.c_int16
    library.rd_kafka_mock_request_api_key.argtypes = [pointer]
    library.rd_kafka_mock_request_destroy_array.argtypes = [ctypes.POINTER(pointer), ctypes.c_size_t]
    for destroy in (library.rd_kafka_mock_cluster_destroy, library.rd_kafka_destroy):
        destroy.argtypes, destroy.restype = [pointer], None
    return library
