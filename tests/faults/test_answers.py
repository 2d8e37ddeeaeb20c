"""Whatever Segment answers, the account is even."""

from collections.abc import Callable

from consumer.demo import fault_scripts
from consumer.demo.expected import REFUSED
from tests.faults.fault_scripts import ALL, FEW, company
from tests.faults.params import in_one_protocol
from tests.faults.producer import delivered
from tests.faults.scenario import Row, trial
from tests.support import KEYS, Flow, wait_until

Record = Callable[[Row], None]


@in_one_protocol("consumer")
def test_spells_of_faults_lose_nothing(flow: Flow, is_long: bool, record: Record) -> None:
    """Events that were taken although the answer did not arrive are sent again, with the same messageIds."""
    chosen = ALL if is_long else FEW
    flow.settings = {"SEGMENT_TIMEOUT_SECONDS": "2"}
    with trial(flow, rate=60) as it:
        member = it.join()
        for spell in chosen.values():
            before = flow.segment.requests
            it.answers(spell(3 if is_long else 2))
            assert flow.segment.wait_until(lambda segment, seen=before: segment.requests > seen + 3, 60)  # type: ignore[misc]
            it.progress(20)
        it.over()
        it.drain()
        assert (member.times("assigned"), member.times("lost")) == (1, 0)
        record(it.settle(f"{len(chosen)} spells of Segment", floor=200, duplicates=it.unanswered))


@in_one_protocol("consumer")
def test_an_absurd_wait_is_five_minutes_for_its_key_alone(flow: Flow, is_long: bool, record: Record) -> None:
    """The other key goes on; a member that is started anew does not know of the wait."""
    absurd = fault_scripts.problem(429, "never", {"Retry-After": "1" + "0" * 400})
    with trial(flow, rate=20, script=lambda it: absurd if "development" in it.key else None) as it:
        member = it.join()
        wait_until(lambda: it.count("requests_total", outcome="throttled"), "the wait to be asked for")
        wait_until(lambda: 200 < it.count("retry_wait_seconds", environment="development") <= 300, "five minutes")
        assert it.count("retry_wait_seconds", environment="production") == 0
        it.progress(300 if is_long else 30)
        it.leave()
        it.answers(fault_scripts.calm)
        it.over()
        it.join()
        assert member.times("lost") == 0
        record(it.settle("an absurd wait", floor=50, duplicates=it.at_stake))


@in_one_protocol("consumer")
def test_what_is_refused_in_company_alone_is_delivered(flow: Flow, is_long: bool, record: Record) -> None:
    """Every request with more than one event is refused: each event is found to be well, and none is set aside."""
    flow.settings = {"BATCH_MAX_EVENTS": "20"}
    with trial(flow, rate=0) as it:
        it.answers(company(400)(float("inf")))
        it.join()
        producer = flow.producer()
        for sample in delivered(1000 if is_long else 200, seed=4):
            flow.put(producer, sample)
        assert producer.flush(30) == 0
        it.over()
        it.drain()
        assert it.count("requests_total", outcome="refused") > 10
        assert not flow.dead_letters()
        record(it.settle("refused in company", floor=100, duplicates=0))


@in_one_protocol("consumer")
def test_when_everything_is_refused_it_holds_and_says_so(flow: Flow, record: Record) -> None:
    """Of each key no more events than the limit are set aside; all others are delivered when that is mended."""
    limit = 5
    flow.settings = {"MAX_CONSECUTIVE_REFUSALS": str(limit)}
    with trial(flow, rate=40, script=fault_scripts.fail(status=400)) as it:
        member = it.join()
        wait_until(lambda: member.output.count("everything_refused") >= len(KEYS), "the holds to be said")
        assert it.count("blocked", reason="everything_refused") == len(KEYS)
        refused = [letter.address for letter in flow.dead_letters() if letter.reason == REFUSED.reason]
        assert 0 < len(refused) <= limit * len(KEYS)
        flow.produced |= dict.fromkeys(refused, REFUSED)
        it.answers(fault_scripts.calm)
        it.over()
        it.progress(100)
        record(it.settle("everything refused", floor=100, duplicates=0))
