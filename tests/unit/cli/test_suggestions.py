"""An option that takes one of several words suggests the right one for a misspelt word."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from consumer.cli.main import LazyGroup, main
from consumer.cli.params import ReasonType, StartType
from consumer.reasons import EXAMPLE_REASONS, is_reject_reason

MISSPELT = {
    ReasonType: [("undecodeable", "undecodable"), ("http400", "http_400"), ("No_Writekey", "no_write_key")],
    StartType: [("begining", "beginning"), ("ends", "end")],
}


def options(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Option]]:
    """Each option of each command, with the words of the command."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command
        if isinstance(command, LazyGroup):
            yield from options(command, *path, name)
        else:
            yield from (((*path, name), option) for option in command.params if isinstance(option, click.Option))


CLOSED_SETS = [(words, option) for words, option in options(main) if type(option.type) in MISSPELT]


@pytest.mark.parametrize(("words", "option"), CLOSED_SETS, ids=str)
def test_a_misspelt_word_gets_a_suggestion(words: tuple[str, ...], option: click.Option) -> None:
    for misspelt, word in MISSPELT[type(option.type)]:
        result = CliRunner().invoke(main, [*words, option.opts[0], misspelt])
        assert result.exit_code == 2
        assert f". Did you mean '{word}'?" in " ".join(result.stderr.split())


def test_all_sets_of_words_suggest() -> None:
    """click's own Choice only lists its words."""
    assert {option.opts[0] for _, option in CLOSED_SETS} >= {"--reason", "--from"}
    assert not [words for words, option in options(main) if isinstance(option.type, click.Choice)]


def test_an_unknown_reason_without_a_similar_word_lists_the_reasons() -> None:
    result = CliRunner().invoke(main, ["dead-letters", "list", "--reason", "zzz"])
    assert "Reasons: empty_value, not_framed" in " ".join(result.stderr.split())


@pytest.mark.parametrize("reason", [*EXAMPLE_REASONS, "http_451", "denied_http_302", "denied_200_not_segment"])
def test_each_reason_of_a_dead_letter_is_taken(reason: str) -> None:
    assert is_reject_reason(reason)


@pytest.mark.parametrize("word", ["", "http_", "http_4", "http_4000", "denied_", "denied_403", "stuck", "tombstone"])
def test_no_other_word_is_a_reason(word: str) -> None:
    assert not is_reject_reason(word)
