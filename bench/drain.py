"""How long a backlog takes under Segment's limits: a simulation, request by request, from measured figures."""

import heapq
from typing import NamedTuple


class Service(NamedTuple):
    """`cpu` in seconds an event takes of a member's one core, `in_flight` requests at a time in each member."""

    members: int
    cpu: float
    batch: int = 500
    in_flight: int = 8
    events_per_second: int | None = None


class Segment(NamedTuple):
    """`wait` in seconds until an answer; above `rate` events a second it answers 429 and asks for `retry_after`."""

    wait: float
    rate: int | None = None
    retry_after: float = 0.0


class Drained(NamedTuple):
    seconds: float
    requests: int
    throttled: int


class _Member:
    """One core that makes requests one after the other, and the connections that they go by."""

    def __init__(self, service: Service) -> None:
        self.ready = 0.0  # when its core has made the next request
        self.connections = [0.0] * service.in_flight  # when each is free
        self.paused_until = self.polite_until = 0.0


def drain(events: int, service: Service, segment: Segment) -> Drained:
    """Members keep their core and connections busy; Segment's allowance fills up by `rate`, to one second's worth."""
    members = [_Member(service) for _ in range(service.members)]
    queue = [(0.0, number) for number in range(service.members)]
    allowance, seen_at, ended_at = float(segment.rate or 0), 0.0, 0.0
    requests = throttled = 0
    while events > 0:
        now, number = heapq.heappop(queue)
        member = members[number]
        requests += 1
        heapq.heapreplace(member.connections, now + segment.wait)
        if segment.rate:
            allowance, seen_at = min(segment.rate, allowance + (now - seen_at) * segment.rate), now
            if allowance < service.batch:
                throttled += 1
                member.paused_until = now + segment.wait + segment.retry_after
                heapq.heappush(queue, (_next(member), number))  # the same batch again: it is made already
                continue
            allowance -= service.batch
        events -= service.batch
        ended_at = max(ended_at, now + segment.wait)
        member.ready = max(member.ready, now) + service.cpu * service.batch
        if service.events_per_second:
            member.polite_until = max(member.polite_until, now) + service.batch / service.events_per_second
        heapq.heappush(queue, (_next(member), number))
    return Drained(ended_at, requests, throttled)


def _next(member: _Member) -> float:
    return max(member.ready, member.connections[0], member.paused_until, member.polite_until)


def table(events: int, cpu: float) -> str:
    """A backlog of so many events, in the ways that it can meet Segment."""
    ways = {
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
    for name, (service, segment) in ways.items():
        took = drain(events, service, segment)
        minutes, seconds = divmod(round(took.seconds), 60)
        hours, minutes = divmod(minutes, 60)
        rate = round(events / took.seconds)
        lines.append(
            f"{name:46}{hours:>4}:{minutes:02}:{seconds:02}{rate:>10,}{took.requests:>10,}{took.throttled:>8,}"
        )
    return "\n".join(lines)
