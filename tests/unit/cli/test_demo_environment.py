"""The demo's report of a run that did not come to its end: an unread record is not lost."""

import pytest

from consumer.cli.demo_environment import DemoEnd, demo_environment
from consumer.cli.demo_report import as_dict, print_report
from consumer.demo.expected import ExpectSkipped
from consumer.demo.samples import responses


def test_an_unread_record_is_left_and_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    with demo_environment() as environment:
        environment.topic.produce_all(responses(100, 1))
        report = environment.report(DemoEnd.INTERRUPTED)
    fields = as_dict(report)
    skips = sum(isinstance(expected, ExpectSkipped) for expected in environment.topic.produced.values())
    assert (fields["left"], fields["lost"]) == (100 - skips, 0)
    assert not report.ok
    print_report(report, as_json=False)
    output = capsys.readouterr().out
    assert f"left{100 - skips:>17}  not read yet" in output
    assert "Interrupted" in output
