"""`skip-record`: moves the group past one record, for a partition that cannot pass the record by itself."""

import time
from contextlib import ExitStack, closing
from pathlib import Path

import click

import consumer.settings
from consumer import factories
from consumer.cli import output
from consumer.cli.dead_letters import READ_SETTINGS
from consumer.cli.output import counted, print_text
from consumer.cli.params import ADDRESS, ENV_FILE, YES, plain_errors, silence_logs
from consumer.errors import ServiceError
from consumer.kafka.admin import KafkaAdmin
from consumer.kafka.topic_reader import OffsetRange, TopicReader
from consumer.model import DeadLetter, Record, RecordAddress, Rejected
from consumer.reasons import Reason
from consumer.settings import Settings

_CONFIRM_SECONDS = 30.0
_POLL_SECONDS = 0.2
_HINT = "If this error persists, --without-dead-letter skips the record and loses its bytes."


@click.command("skip-record")
@ENV_FILE
@click.argument("address", type=ADDRESS)
@YES
@click.option(
    "--without-dead-letter", is_flag=True, help="Skip the record even if its bytes cannot be read, or cannot be kept."
)
@plain_errors
def skip_record(env_file: Path | None, address: RecordAddress, yes: bool, without_dead_letter: bool) -> None:
    """Move the group past one record.

    The record must be the group's next one in its partition, and no member may run. Use the command for a partition
    that cannot pass PARTITION:OFFSET by itself, for example because it is blocked. The record is kept as a dead letter
    first, so `dead-letters replay` can send it later. Stop all members before; start them afterwards.

    \b
    Example:
      sprig-to-segment skip-record 3:1042 --yes
    """
    silence_logs()
    settings = consumer.settings.load(env_file, only=READ_SETTINGS)
    admin = factories.kafka_admin(settings)
    _require_no_members(admin, settings.kafka_group_id)
    with ExitStack() as stack:
        reader = factories.topic_reader(settings, settings.kafka_topic, stack)
        group_offset, record = _next_record(reader, address, without_dead_letter)
    _print_plan(settings, address, group_offset, record)
    if not yes:
        click.echo("Nothing was done. Do it with --yes.")
        return
    dead_lettered = record is not None and _write_dead_letter(settings, record, without_dead_letter)
    admin.commit_offsets(settings.kafka_group_id, settings.kafka_topic, {address.partition: address.offset + 1})
    click.echo("Done." if dead_lettered else "Done, without a dead letter.")


def _require_no_members(admin: KafkaAdmin, name: str) -> None:
    admin.brokers()
    group = admin.group(name)
    if group is None:
        raise ServiceError(f"group {name}: this broker does not say whether the group has members")
    if group.members:
        members = counted(group.members, "member")
        raise ServiceError(f"group {name} has {members}: stop all members first, because they keep their own position")


def _next_record(reader: TopicReader, address: RecordAddress, without_dead_letter: bool) -> tuple[int, Record | None]:
    """
    The group's offset in the partition, and the next record, which must be the record at `address`.

    None for a record whose bytes cannot be read. Raises ServiceError.
    """
    spans = reader.spans()
    if address.partition not in spans:
        raise ServiceError(f"there is no partition {address.partition}, but 0 to {len(spans) - 1}")
    low, high = spans[address.partition]
    group_offset = max(reader.committed(spans)[address.partition], low)
    if not group_offset <= address.offset < high:
        raise ServiceError(
            f"{address} is not ahead of the group, whose next offsets there are {group_offset} to before {high}"
        )
    try:
        record = next(iter(reader.read({address.partition: OffsetRange(group_offset, high)})), None)
    except ServiceError as error:
        if without_dead_letter and address.offset == group_offset:
            return group_offset, None
        raise ServiceError(
            f"the record at {address.partition}:{group_offset} cannot be read: {error}\n{_HINT}"
        ) from None
    if record is None or record.offset != address.offset:
        next_address = record.address if record else "none"
        raise ServiceError(
            f"the next record of the group is {next_address}, not {address}: only the next record can be skipped"
        )
    return group_offset, record


def _print_plan(settings: Settings, address: RecordAddress, group_offset: int, record: Record | None) -> None:
    start, end = RecordAddress(address.partition, group_offset), address._replace(offset=address.offset + 1)
    print_text(f"group        {settings.kafka_group_id} would move from {start} to {end}", hanging=13)
    if record:
        size = len(record.value or b"")
        print_text(
            f"record       {settings.kafka_topic} {address}, {output.iso_time(record.timestamp)}, {size} bytes",
            hanging=13,
        )
        text = f"dead letter  would be written to {settings.dead_letter_topic}, as {Reason.STEPPED_OVER}"
        print_text(text, hanging=13)
    else:
        print_text(f"record       {settings.kafka_topic} {address}, whose bytes cannot be read", hanging=13)
        print_text("dead letter  none would be written", hanging=13)


def _write_dead_letter(settings: Settings, record: Record, without_dead_letter: bool) -> bool:
    """Write a dead letter and wait until it is confirmed. False if it is refused and not required; else raises."""
    with closing(factories.dead_letter_writer(settings)) as writer:
        writer.put(DeadLetter(record, Rejected(Reason.STEPPED_OVER, "operator", "")))
        ends_at = time.monotonic() + _CONFIRM_SECONDS
        while time.monotonic() < ends_at:
            reports = writer.advance(time.monotonic(), _POLL_SECONDS)
            if reports.confirmed:
                return True
            for _, reason in reports.refused:
                if without_dead_letter:
                    return False
                refusal = f"{settings.dead_letter_topic} does not accept the dead letter: {reason}"
                raise ServiceError(f"{refusal}. Nothing was done.\n{_HINT}")
    raise ServiceError(
        f"{settings.dead_letter_topic} did not confirm the dead letter in time. The group was not moved."
    )
