"""A broker inside this process that answers chosen requests with chosen errors: librdkafka's own, through its C API."""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import confluent_kafka

PRODUCE, OFFSET_COMMIT = 0, 8  # the protocol's numbers of these requests (kafka.apache.org/protocol, "API keys")
PRODUCER = 0  # rdkafka.h, rd_kafka_type_t


class MockBroker:
    """
    The functions are those of rdkafka_mock.h, which the wheel's own library exports; they may change with its version.
    """

    def __init__(self, library: ctypes.CDLL, cluster: int) -> None:
        self._library, self._cluster = library, cluster
        address: bytes = library.rd_kafka_mock_cluster_bootstraps(cluster)
        self.address = address.decode()

    def create_topic(self, name: str, partitions: int) -> None:
        assert self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1) == 0

    def fail(self, request: int, codes: Sequence[int]) -> None:
        """The next requests of this kind are answered with these errors; `requests` counts from here."""
        errors = (ctypes.c_int * len(codes))(*codes)
        self._library.rd_kafka_mock_push_request_errors_array(self._cluster, request, len(codes), errors)
        self._library.rd_kafka_mock_start_request_tracking(self._cluster)

    def forgive(self, request: int) -> None:
        """Errors that were chosen and did not happen will not."""
        self._library.rd_kafka_mock_clear_request_errors(self._cluster, request)

    def requests(self, kind: int) -> int:
        """How many requests of this kind came since errors were chosen."""
        count = ctypes.c_size_t()
        requests = self._library.rd_kafka_mock_get_requests(self._cluster, ctypes.byref(count))
        found = [self._library.rd_kafka_mock_request_api_key(requests[number]) for number in range(count.value)]
        self._library.rd_kafka_mock_request_destroy_array(requests, count)
        return found.count(kind)


@contextmanager
def mock_broker() -> Iterator[MockBroker]:
    library = _library()
    reason = ctypes.create_string_buffer(512)
    handle = library.rd_kafka_new(PRODUCER, None, reason, len(reason))
    assert handle, reason.value
    cluster = library.rd_kafka_mock_cluster_new(handle, 1)
    try:
        yield MockBroker(library, cluster)
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
