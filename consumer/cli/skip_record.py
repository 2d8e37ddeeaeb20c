"""`skip-record`: the group past one record, for a partition that cannot go past it by itself."""

import time
from contextlib import ExitStack, closing
from pathlib import Path

import click

import consumer.settings
from consumer import app
from consumer.cli import output
from consumer.cli.dead_letters import LOOKS
from consumer.cli.param_types import Address
from consumer.cli.params import silent
from consumer.cli.terminal import counted
from consumer.errors import ServiceError
from consumer.kafka.admin import Admin
from consumer.kafka.topic_reader import Reader, Span
from consumer.model import Letter, Message
from consumer.reasons import STEPPED_OVER
from consumer.settings import Settings

_CONFIRMED_WITHIN = 30.0  # seconds
_TICK = 0.2
_GIVE_UP = "If that stays so, --without-dead-letter gives its bytes up."


def main(env_file: Path | None, address: Address, yes: bool, without_dead_letter: bool) -> None:
    """Say what would be done, or do it. Raises SettingsError, ServiceError."""
    silent()
    settings = consumer.settings.load(env_file, only=LOOKS)
    admin = app.admin(settings)
    _nobody_in(admin, settings.kafka_group_id)
    with ExitStack() as stack:
        at, record = _next(app.reader(settings, settings.kafka_topic, stack), address, without_dead_letter)
    _say(settings, address, at, record)
    if not yes:
        click.echo("Nothing was done. Do it with --yes.")
        return
    kept = record is not None and _keep(settings, record, without_dead_letter)
    admin.move(settings.kafka_group_id, settings.kafka_topic, {address.partition: address.offset + 1})
    click.echo("Done." if kept else "Done, without a dead letter.")


def _nobody_in(admin: Admin, name: str) -> None:
    admin.brokers()
    group = admin.group(name)
    if group is None:
        raise ServiceError(f"group {name}: this broker does not say whether it has members")
    if group.members:
        members = counted(group.members, "member")
        raise ServiceError(f"group {name} has {members}: stop them first, as they would go on from where they are")


def _next(reader: Reader, address: Address, without_dead_letter: bool) -> tuple[int, Message | None]:
    """
    Where the group is, and the record there, which must be the one that is named.

    None for a record whose bytes cannot be had. Raises ServiceError.
    """
    spans = reader.spans()
    if address.partition not in spans:
        raise ServiceError(f"there is no partition {address.partition}, but 0 to {len(spans) - 1}")
    low, high = spans[address.partition]
    committed = reader.committed(spans)[address.partition]
    at = max(committed, low)
    if not at <= address.offset < high:
        raise ServiceError(f"{address} is not ahead of the group: of that it has {at} to before {high}")
    try:
        record = next(iter(reader.read({address.partition: Span(at, high)})), None)
    except ServiceError as error:
        if without_dead_letter and address.offset == at:
            return at, None
        raise ServiceError(f"the record at {address.partition}:{at} cannot be read: {error}\n{_GIVE_UP}") from None
    if record is None or record.offset != address.offset:
        there = f"{address.partition}:{record.offset}" if record else "none"
        raise ServiceError(f"the next record of the group is {there}, not {address}: only the next one is stepped over")
    return at, record


def _say(settings: Settings, address: Address, at: int, record: Message | None) -> None:
    click.echo(
        f"group   {settings.kafka_group_id}, from {address.partition}:{at} to {address.partition}:{address.offset + 1}"
    )
    if record:
        size = len(record.value or b"")
        click.echo(f"record  {settings.kafka_topic} {address}, {output.when(record.timestamp)}, {size} bytes")
        click.echo(f"letter  {settings.dead_letter_topic}, as {STEPPED_OVER}")
    else:
        click.echo(
            f"record  {settings.kafka_topic} {address}, whose bytes cannot be had: there will be no letter of it"
        )


def _keep(settings: Settings, record: Message, without_dead_letter: bool) -> bool:
    """Write the letter, wait until it is confirmed; False if it is refused and may be given up. Raises ServiceError."""
    with closing(app.dead_letters(settings)) as dead_letters:
        dead_letters.put(Letter(record, STEPPED_OVER, "operator", ""))
        ends_at = time.monotonic() + _CONFIRMED_WITHIN
        while time.monotonic() < ends_at:
            reports = dead_letters.advance(time.monotonic(), _TICK)
            if reports.confirmed:
                return True
            for _, reason in reports.refused:
                if without_dead_letter:
                    return False
                raise ServiceError(
                    f"{settings.dead_letter_topic} does not take the letter: {reason}. Nothing was done.\n{_GIVE_UP}"
                )
    raise ServiceError(f"{settings.dead_letter_topic} did not confirm the letter in time. The group was not moved.")
