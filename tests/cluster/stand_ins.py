"""The peers of the release outside of the cluster's pods: a schema registry with one schema, and Segment."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from consumer import paths
from consumer.demo.fault_scripts import Script, ScriptedResponse, calm, problem
from consumer.demo.http_server import ReceivedRequest, StandInServer
from consumer.demo.segment_server import SegmentStandIn
from tests.cluster.addresses import MACHINE, REGISTRY_PORT
from tests.cluster.broker import TOPIC

SUBJECT = f"{TOPIC}-value"
FRAME = b"\0\0\0\0\1"  # Confluent's framing with the id of the schema


class RegistryStandIn:
    """Serves the packaged schema as version 1 of the topic's subject, by Confluent's API."""

    def __init__(self) -> None:
        (path,) = (paths.schemas() / "sprig").glob("*.avsc")
        self._schema = path.read_text()
        self._server: StandInServer | None = None

    def start(self) -> None:
        self._server = StandInServer((MACHINE, REGISTRY_PORT), self._refuse, self._answer)
        self._server.start()

    def stop(self) -> None:
        if self._server:
            self._server.stop()
            self._server = None

    @contextmanager
    def outage(self) -> Iterator[None]:
        """A block in which nothing listens on the registry's port."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def _answer(self, path: str, _query: str) -> ScriptedResponse:
        version = {"subject": SUBJECT, "version": 1, "id": 1, "schema": self._schema, "schemaType": "AVRO"}
        resources = {
            "schemas/ids/1": version,
            "subjects": [SUBJECT],
            f"subjects/{SUBJECT}/versions": [1],
            f"subjects/{SUBJECT}/versions/1": version,
            f"subjects/{SUBJECT}/versions/latest": version,
            "config": {"compatibilityLevel": "BACKWARD"},
            f"config/{SUBJECT}": {"compatibilityLevel": "BACKWARD"},
        }
        resource = resources.get(path.strip("/"))
        if resource is None:
            return problem(404, "not found")
        return ScriptedResponse(body=json.dumps(resource).encode())

    def _refuse(self, _request: ReceivedRequest) -> ScriptedResponse:
        return problem(405, "this registry is read-only")


@contextmanager
def answering_with(segment: SegmentStandIn, script: Script) -> Iterator[None]:
    """A block in which Segment answers by the script."""
    segment.script = script
    try:
        yield
    finally:
        segment.script = calm
