"""`settings`: the settings in force, and where each comes from."""

from pathlib import Path
from typing import Any

import click

import consumer.settings
from consumer import factories
from consumer.cli.output import print_json, table
from consumer.cli.params import ENV_FILE, as_json, plain_errors, silence_logs
from consumer.jsonio import dumps
from consumer.kafka.client_config import require_accepted
from consumer.settings import EffectiveSetting


@click.command()
@ENV_FILE
@as_json("table")
@plain_errors
def settings(env_file: Path | None, as_json: bool) -> None:
    """Print the settings in force.

    Print the value of each setting, and where it comes from: the default, the environment, the env file, or the file of
    a secret. Secrets are masked. No broker and no server is asked. If a setting is wrong, print all mistakes, with exit
    code 2.

    \b
    Example:
      sprig-to-segment settings --env-file production.env
    """
    silence_logs()
    loaded = consumer.settings.load(env_file)
    require_accepted(factories.group_consumer_config(loaded))
    effective = consumer.settings.effective(loaded, env_file)
    warnings = [*consumer.settings.suspicious(), *consumer.settings.risks(loaded)]
    if as_json:
        values = {setting.name: {"value": setting.value, "source": setting.source} for setting in effective}
        print_json({"settings": values, "warnings": warnings})
        return
    rows = [(setting.name, setting.source, _text(setting)) for setting in effective]
    notes = [f"warning: {warning}" for warning in warnings]
    table(f"sprig-to-segment {factories.VERSION}", ("setting", "source", "value"), rows, notes)


def _text(setting: EffectiveSetting) -> str:
    """The value for people, as a variable would have it."""
    value: Any = setting.value
    match value:
        case None | "":
            return setting.shown.replace("`", "") or "none"
        case bool():
            return str(value).lower()
        case dict():
            return dumps(value).decode()
        case float() if value == int(value):
            return str(int(value))
        case _:
            return str(value)
