"""The demo's account of a run that did not come to its end: what is left to read is not lost."""

import pytest

from consumer.cli.demo_environment import staged
from consumer.cli.demo_report import summary, tell
from consumer.demo.expected import Skip
from consumer.demo.samples import responses


def test_what_was_not_read_is_left_and_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    with staged() as stage:
        for sample in responses(100, 1):
            stage.topic.produce(sample)
        stage.topic.flush()
        story = stage.account(interrupted=True)
    told = summary(story)
    skips = sum(isinstance(fate, Skip) for fate in stage.topic.produced.values())
    assert (told["left"], told["lost"]) == (100 - skips, 0)
    assert not story.good
    tell(story, as_json=False)
    shown = capsys.readouterr().out
    assert f"left{100 - skips:>17}  to be read" in shown
    assert "Interrupted" in shown
