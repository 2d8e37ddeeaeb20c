"""Where a command's settings are from: the environment, an env file, and options of the command."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click

import consumer.settings
from consumer.cli.params import ENV_FILE
from consumer.settings import Settings

_SCHEMAS_DIR = click.option(
    "--schemas-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Contract files and Avro schemas, in place of the folder in SCHEMAS_DIR.",
)


def settings_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options `--env-file` and `--schemas-dir` of a command that maps records."""
    return ENV_FILE(_SCHEMAS_DIR(command))


class SettingsSource(NamedTuple):
    """The values of the two options. An option replaces the environment, and the environment replaces the file."""

    env_file: Path | None = None
    schemas_dir: Path | None = None

    def options(self) -> Sequence[str]:
        """The options with their values, to repeat in another command."""
        values = (("--env-file", self.env_file), ("--schemas-dir", self.schemas_dir))
        return [word for name, value in values if value for word in (name, str(value))]

    def load(self, only: Sequence[str] = ()) -> Settings:
        """As `consumer.settings.load`. Raises SettingsError."""
        environ: Mapping[str, str] = os.environ
        if self.schemas_dir:
            environ = {**environ, "SCHEMAS_DIR": str(self.schemas_dir)}
        return consumer.settings.load(self.env_file, environ, only)
