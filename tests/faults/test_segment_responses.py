"""Every kind of response from Segment, and every missing response: the ledger is even."""

from consumer.demo import fault_scripts
from consumer.demo.expected import REFUSED, ExpectDeadLetter
from tests.faults.fault_scripts import ALL, FEW, refuse_in_a_batch
from tests.faults.params import in_one_protocol
from tests.faults.producer import delivered
from tests.faults.scenario import Report, scenario
from tests.support import KEYS, Flow, is_refused, wait_until


@in_one_protocol("consumer")
def test_no_kind_of_segment_failure_loses_anything(flow: Flow, is_long: bool, report: Report) -> None:
    """Events that Segment accepted, but whose response did not arrive, are sent again with the same messageIds."""
    faults = ALL if is_long else FEW
    flow.settings = {"SEGMENT_TIMEOUT_SECONDS": "2"}
    with scenario(flow, rate=60) as trial:
        member = trial.join()
        for script_of in faults.values():
            before = flow.segment.requests
            trial.respond_with(script_of(3 if is_long else 2))
            assert flow.segment.wait_until(lambda segment, earlier=before: segment.requests > earlier + 3, 60)  # type: ignore[misc]
            trial.progress(20)
        trial.fault_ended()
        trial.settle_all()
        assert (member.times("assigned"), member.times("lost")) == (1, 0)
        report(
            trial.finish(
                f"{len(faults)} faults of Segment", min_delivered=200, max_duplicates=trial.accepted_without_response
            )
        )


@in_one_protocol("consumer")
def test_an_absurd_retry_after_is_capped_at_five_minutes_for_its_key_alone(
    flow: Flow, is_long: bool, report: Report
) -> None:
    """The other key is not throttled. A member that starts later does not know of the wait."""
    absurd = fault_scripts.problem(429, "never", {"Retry-After": "1" + "0" * 400})
    with scenario(flow, rate=20, script=lambda batch: absurd if "development" in batch.key else None) as trial:
        member = trial.join()
        wait_until(lambda: trial.count("requests_total", outcome="throttled"), "Segment to throttle the key")
        wait_until(
            lambda: 200 < trial.count("retry_wait_seconds", environment="development") <= 300,
            "a wait of at most five minutes",
        )
        assert trial.count("retry_wait_seconds", environment="production") == 0
        trial.progress(300 if is_long else 30)
        trial.leave()
        trial.respond_with(fault_scripts.calm)
        trial.fault_ended()
        trial.join()
        assert member.times("lost") == 0
        report(trial.finish("an absurd Retry-After", min_delivered=50, max_duplicates=trial.possible_duplicates))


@in_one_protocol("consumer")
def test_an_event_that_is_refused_only_in_a_batch_is_delivered(flow: Flow, is_long: bool, report: Report) -> None:
    """Each request with more than one event is refused. Each event alone is accepted, and none is rejected."""
    flow.settings = {"BATCH_MAX_EVENTS": "20"}
    with scenario(flow, rate=0) as trial:
        trial.respond_with(refuse_in_a_batch(400)(float("inf")))
        trial.join()
        producer = flow.producer()
        for sample in delivered(1000 if is_long else 200, seed=4):
            flow.produce_sample(producer, sample)
        assert producer.flush(30) == 0
        trial.fault_ended()
        trial.settle_all()
        assert trial.count("requests_total", outcome="refused") > 10
        assert not flow.dead_letters()
        report(trial.finish("batches refused, single events accepted", min_delivered=100, max_duplicates=0))


@in_one_protocol("consumer")
def test_a_denied_text_is_found_among_records_that_keep_coming(flow: Flow, is_long: bool, report: Report) -> None:
    """A firewall answers 403 to the text of some records. Each is rejected alone, and the others arrive in order."""
    denied = ExpectDeadLetter("denied_http_403")
    with scenario(flow, rate=40) as trial:
        flow.segment.script = fault_scripts.refuse(is_refused, 403)
        trial.join()
        trial.progress(1000 if is_long else 200)
        trial.fault_ended()
        trial.settle_all()
        flow.produced |= {address: denied for address, expected in flow.produced.items() if expected == REFUSED}
        report(trial.finish("a firewall denies a text", min_delivered=200, max_duplicates=0))


@in_one_protocol("consumer")
def test_when_everything_is_refused_the_key_is_blocked_and_logged(flow: Flow, report: Report) -> None:
    """At most MAX_CONSECUTIVE_REFUSALS events of each key are rejected. The others are delivered after the fault."""
    limit = 5
    flow.settings = {"MAX_CONSECUTIVE_REFUSALS": str(limit)}
    with scenario(flow, rate=40, script=fault_scripts.fail(status=400)) as trial:
        member = trial.join()
        wait_until(lambda: trial.count("blocked", reason="everything_refused") == len(KEYS), "the block of each key")
        wait_until(lambda: member.output.count("everything_refused") == len(KEYS), "one line for each block")
        refused = [dead_letter.address for dead_letter in flow.dead_letters() if dead_letter.reason == REFUSED.reason]
        assert 0 < len(refused) <= limit * len(KEYS)
        flow.produced |= dict.fromkeys(refused, REFUSED)
        trial.respond_with(fault_scripts.calm)
        trial.fault_ended()
        trial.progress(100)
        report(trial.finish("everything refused", min_delivered=100, max_duplicates=0))
