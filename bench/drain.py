"""A simulation, request by request, of how long a backlog takes under Segment's limits."""

import heapq
from typing import NamedTuple


class Service(NamedTuple):
    """`cpu`: seconds of a member's one core for an event. `in_flight`: requests at a time in each member."""

    members: int
    cpu: float
    batch: int = 500
    in_flight: int = 8
    events_per_second: int | None = None


class Segment(NamedTuple):
    """`wait`: seconds until an answer. Above `rate` events per second the answer is 429 with `retry_after`."""

    wait: float
    rate: int | None = None
    retry_after: float = 0.0


class DrainResult(NamedTuple):
    seconds: float
    requests: int
    throttled: int


class _Member:
    """One core that prepares requests one after the other, and the connections that carry them."""

    def __init__(self, service: Service) -> None:
        self.ready_at = 0.0  # when the core has prepared the next request
        self.free_at = [0.0] * service.in_flight  # when each connection is free
        self.retry_at = 0.0  # after a 429
        self.rate_limited_until = 0.0  # by MAX_EVENTS_PER_SECOND


def drain(events: int, service: Service, segment: Segment) -> DrainResult:
    """Members keep their core and connections busy. Segment's allowance grows by `rate`, up to one second's worth."""
    members = [_Member(service) for _ in range(service.members)]
    queue = [(0.0, number) for number in range(service.members)]
    allowance, updated_at, ended_at = float(segment.rate or 0), 0.0, 0.0
    requests = throttled = 0
    while events > 0:
        now, number = heapq.heappop(queue)
        member = members[number]
        requests += 1
        heapq.heapreplace(member.free_at, now + segment.wait)
        if segment.rate:
            allowance, updated_at = min(segment.rate, allowance + (now - updated_at) * segment.rate), now
            if allowance < service.batch:
                throttled += 1
                member.retry_at = now + segment.wait + segment.retry_after
                heapq.heappush(queue, (_next(member), number))  # the same batch again, which is prepared already
                continue
            allowance -= service.batch
        events -= service.batch
        ended_at = max(ended_at, now + segment.wait)
        member.ready_at = max(member.ready_at, now) + service.cpu * service.batch
        if service.events_per_second:
            interval = service.batch / service.events_per_second
            member.rate_limited_until = max(member.rate_limited_until, now) + interval
        heapq.heappush(queue, (_next(member), number))
    return DrainResult(ended_at, requests, throttled)


def _next(member: _Member) -> float:
    return max(member.ready_at, member.free_at[0], member.retry_at, member.rate_limited_until)


def table(events: int, cpu: float) -> str:
    """The duration for a backlog of this size in several cases. `cpu` in seconds for an event."""
    cases = {
        "one member, no limit, an answer after 0.1 s": (Service(1, cpu), Segment(0.1)),
        "two members on two cores, no limit": (Service(2, cpu), Segment(0.1)),
        "one member, an answer after 0.5 s": (Service(1, cpu), Segment(0.5)),
        "429 above 5,000 events/s, Retry-After 1 s": (Service(1, cpu), Segment(0.1, 5000, 1.0)),
        "429 above 5,000 events/s, Retry-After 10 s": (Service(1, cpu), Segment(0.1, 5000, 10.0)),
        "the same, MAX_EVENTS_PER_SECOND=5000": (Service(1, cpu, events_per_second=5000), Segment(0.1, 5000, 10.0)),
        "MAX_EVENTS_PER_SECOND=1000": (Service(1, cpu, events_per_second=1000), Segment(0.1, 1000, 10.0)),
    }
    lines = [f"{events:,} events of {cpu * 1e6:.1f} us each", ""]
    lines += [f"{'':46}{'time':>10}{'events/s':>10}{'requests':>10}{'429':>8}"]
    for name, (service, segment) in cases.items():
        result = drain(events, service, segment)
        minutes, seconds = divmod(round(result.seconds), 60)
        hours, minutes = divmod(minutes, 60)
        rate = round(events / result.seconds)
        lines.append(
            f"{name:46}{hours:>4}:{minutes:02}:{seconds:02}{rate:>10,}{result.requests:>10,}{result.throttled:>8,}"
        )
    return "\n".join(lines)
