"""A registry with any number of large schemas: the memory of the process stays within a bound."""

import json
import subprocess
import sys

from consumer.demo.fault_scripts import ScriptedResponse
from tests.avro_values import record
from tests.http_peer import PeerRequest, json_response, peer

SCHEMAS = 400
DOC = "x" * 480
MAX_GROWTH_MIB = 64  # the cache, the schema that is being loaded, and what the allocator keeps between them

LOOK_UPS = f"""
import sys, time
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_cache import SchemaCache
from consumer.avro.schema_registry import SchemaRegistry
from consumer.http_client.proxies import Proxies

def resident_mib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20

registry = SchemaRegistry(sys.argv[1], {{}}, Proxies.none())
cache = SchemaCache(registry.fetch, time.monotonic)

def wait_for(key):
    while not isinstance(cache.get(key), WriterSchema):
        time.sleep(0.001)  # the look-up thread needs the CPU, and the cache notifies nobody

wait_for(0)
before, most = resident_mib(), 0
for key in range({SCHEMAS}):
    wait_for(key)
    most = max(most, resident_mib())
print(most - before, cache.lookups["found"])
"""


def respond(request: PeerRequest) -> ScriptedResponse:
    """A schema of 160 kB, which keeps 440 kB of memory."""
    number = request.path.rpartition("/")[2]
    fields = [{"name": f"field_{number}_{field}", "type": "string", "doc": DOC} for field in range(300)]
    return json_response({"schema": json.dumps(record(f"a.R{number}") | {"fields": fields})})


def test_hundreds_of_large_schemas_take_a_bounded_memory() -> None:
    assert 150_000 < len(respond(PeerRequest("/schemas/ids/399", {})).body) < 200_000
    with peer(respond) as server:
        command = [sys.executable, "-c", LOOK_UPS, server.url]
        growth_mib, found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert int(found) >= SCHEMAS
    assert float(growth_mib) < MAX_GROWTH_MIB, growth_mib
