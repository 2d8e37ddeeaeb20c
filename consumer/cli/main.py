"""The tree of commands. A command's module is imported when the command is called, so that the others start fast."""

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem


class LazyCommand(NamedTuple):
    """Where a command is, as `module:attribute`, and its short help, which lists of commands show without an import."""

    target: str
    short_help: str

    def load(self) -> click.Command:
        module, _, attribute = self.target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


class LazyGroup(click.Group):
    """
    A group whose lists of commands import no command.

    `commands` holds a placeholder for each lazy command; `get_command` gives the command itself.
    """

    def __init__(self, *args: Any, lazy_commands: Mapping[str, LazyCommand], **options: Any) -> None:
        super().__init__(*args, **options)
        self.lazy_commands = lazy_commands
        for name, lazy_command in lazy_commands.items():
            self.add_command(click.Command(name, short_help=lazy_command.short_help))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        lazy_command = self.lazy_commands.get(cmd_name)
        if lazy_command is None:
            return super().get_command(ctx, cmd_name)
        return lazy_command.load()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._short_help(name)) for name in self.list_commands(ctx)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        commands = [CompletionItem(name, help=self._short_help(name)) for name in names]
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def _short_help(self, name: str) -> str:
        return self.commands[name].get_short_help_str(limit=100)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    lazy_commands={
        "check": LazyCommand("consumer.cli.check:check", "Check whether `run` would work."),
        "demo": LazyCommand("consumer.cli.demo:demo", "Run the whole pipeline on this machine."),
        "demo-segment": LazyCommand("consumer.cli.demo_segment:segment", "Run a stand-in for Segment with an inbox."),
        "preview": LazyCommand("consumer.cli.preview:preview", "Print what records would become."),
        "produce-samples": LazyCommand(
            "consumer.cli.produce_samples:produce_samples", "Write sample responses to a test topic."
        ),
        "reconcile": LazyCommand(
            "consumer.cli.reconcile:reconcile", "Report which records were delivered and which are missing."
        ),
        "run": LazyCommand("consumer.cli.run:run", "Deliver the topic's records to Segment."),
        "settings": LazyCommand("consumer.cli.settings:settings", "Print the settings in force."),
        "skip-record": LazyCommand("consumer.cli.skip_record:skip_record", "Move the group past one record."),
        "status": LazyCommand("consumer.cli.status:status", "Show the whole group, and whether somebody has to act."),
    },
)
@click.version_option(package_name="sprig-to-segment", prog_name="sprig-to-segment")
def main() -> None:
    """Deliver Sprig survey responses from Kafka to Segment, and account for each of them.

    \b
    Examples:
      sprig-to-segment demo
      sprig-to-segment check --env-file production.env
      sprig-to-segment run --env-file production.env

    Exit codes: 0 done, 1 failed, 2 bad usage or settings.
    """


@main.group(
    cls=LazyGroup,
    lazy_commands={
        "export": LazyCommand("consumer.cli.contract:export", "Export the rules of Segment's tracking plan."),
        "init": LazyCommand("consumer.cli.contract_init:init", "Write a first contract and cases for an Avro schema."),
        "push": LazyCommand("consumer.cli.contract_push:push", "Put the contracts into a tracking plan."),
        "show": LazyCommand("consumer.cli.contract:show", "Show what an event looks like in Segment."),
        "test": LazyCommand("consumer.cli.contract_cases:test", "Run the example cases of a schemas folder."),
    },
)
def contract() -> None:
    """Write, show, export, push and test contract files.

    \b
    Example:
      sprig-to-segment contract show
    """


@main.group(
    "dead-letters",
    cls=LazyGroup,
    lazy_commands={
        "list": LazyCommand("consumer.cli.dead_letters:list_reasons", "Count the dead letters by reason."),
        "replay": LazyCommand("consumer.cli.replay:replay", "Send rejected records again."),
        "show": LazyCommand("consumer.cli.dead_letters:show", "Show one rejected record."),
    },
)
def dead_letters() -> None:
    """List, show and replay dead letters.

    \b
    Example:
      sprig-to-segment dead-letters list
    """
