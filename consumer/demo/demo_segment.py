"""The stand-in for Segment as the demo runs it: its write keys, its inbox, and the event that it refuses."""

from typing import Any

from consumer.demo import fault_scripts, inbox
from consumer.demo.samples import REFUSED_EMAIL
from consumer.demo.segment_server import LOOPBACK, SegmentStandIn

KEYS = {"production": "demo-production-key", "development": "demo-development-key"}
SOURCES = {key: environment for environment, key in KEYS.items()}


def demo_segment(
    script: fault_scripts.Script = fault_scripts.calm, host: str = LOOPBACK, port: int = 0
) -> SegmentStandIn:
    """A stand-in with the demo's keys and an inbox. It refuses one sample, and does what `script` says before that."""
    segment = SegmentStandIn(KEYS.values(), port, host=host)
    segment.script = fault_scripts.first(script, fault_scripts.refuse(_is_refused))
    segment.pages = inbox.pages(segment, SOURCES)
    return segment


def _is_refused(event: Any) -> bool:
    return bool(event.get("properties", {}).get("email") == REFUSED_EMAIL)
