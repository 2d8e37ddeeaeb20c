"""`produce-samples`: writes invented survey responses to a topic of a test cluster."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import click

import consumer.settings
from consumer import factories, paths
from consumer.avro import decoder, schema_files
from consumer.avro.framing_writer import FramingWriter, framing_writer
from consumer.avro.registry_client import RegistryClient
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_lookup import RegistryUnreachable
from consumer.avro.schema_registration import register
from consumer.cli.dead_letters import READ_SETTINGS
from consumer.cli.output import counted, print_text, with_progress
from consumer.cli.params import ENV_FILE, plain_errors, silence_logs
from consumer.cli.sample_guard import reasons_against
from consumer.demo.samples import Sample, responses
from consumer.errors import ServiceError, SettingsError
from consumer.kafka.sample_producer import SampleProducer
from consumer.kafka.topic_creation import TopicCreator
from consumer.settings import Settings
from consumer.signals import stop_requests

STOP_SECONDS = 40.0  # longer than a flush can take
SAMPLE_SETTINGS = (
    *READ_SETTINGS,
    "SCHEMA_REGISTRY_URL",
    "SCHEMA_REGISTRY_TYPE",
    "SCHEMA_REGISTRY_CONFIG",
    "AVRO_FRAMING",
    "TRUST_PROXY_ENV",
    "HTTPS_PROXY",
    "NO_PROXY",
)


@click.command("produce-samples")
@ENV_FILE
@click.option("--count", type=click.IntRange(1, 1_000_000), default=600, show_default=True, help="Samples to produce.")
@click.option("--rate", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Samples a second.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same samples.")
@click.option("--create-topic", is_flag=True, help="Create the topic and the dead-letter topic if they do not exist.")
@click.option("--yes", is_flag=True, help="Produce even if the topic has records that are no samples.")
@plain_errors
def produce_samples(env_file: Path | None, count: int, rate: int, seed: int, create_topic: bool, yes: bool) -> None:
    """Write sample responses to a test topic.

    Write invented survey responses of every question type to KAFKA_TOPIC, with the settings of `run`. Among them are
    anonymous visitors, undecodable bytes and oversized answers, as in `demo`. Their Avro schema is that of the
    packaged schemas. The command registers the schema as <KAFKA_TOPIC>-value in the schema registry, if AVRO_FRAMING
    needs one. Each sample has the header sprig-to-segment-sample.

    Whoever reads the topic takes samples for responses of users. So the command looks at the oldest and the newest
    record of each partition, before it creates or writes anything, and refuses the topic if one of them is no sample.
    It needs the right to write to the topic. Ctrl-C ends it.

    \b
    Examples:
      sprig-to-segment produce-samples --env-file test.env --create-topic
      sprig-to-segment produce-samples --env-file test.env --count 7200 --rate 2
    """
    silence_logs()
    settings = consumer.settings.load(env_file, only=SAMPLE_SETTINGS)
    with ExitStack() as stack:
        stop = stack.enter_context(stop_requests(STOP_SECONDS))
        print_text(f"brokers {settings.kafka_bootstrap_servers}, topic {settings.kafka_topic}", err=True)
        _prepare_topics(settings, create_topic, yes)
        schema = schema_files.raw_schema(paths.schemas())
        writer = framing_writer(settings.avro_framing, schema, lambda: _registered_id(settings))
        options = factories.kafka_options(settings)
        producer = stack.enter_context(SampleProducer(settings.kafka_bootstrap_servers, options, settings.kafka_topic))
        for sample in _paced(with_progress(responses(count, seed), count, "samples"), rate, stop):
            _produce(producer, writer, schema, sample)
        producer.flush()
        print_text(f"{counted(producer.produced, 'sample')} written to {settings.kafka_topic}, {settings.avro_framing}")


def _prepare_topics(settings: Settings, create_topic: bool, yes: bool) -> None:
    """Nothing is created for a topic that is refused, because its cluster may be one of users."""
    creator = TopicCreator(settings.kafka_bootstrap_servers, factories.kafka_options(settings))
    missing = creator.missing((settings.kafka_topic, settings.dead_letter_topic))
    if settings.kafka_topic in missing and not create_topic:
        raise ServiceError(f"topic {settings.kafka_topic} does not exist: create it, or use --create-topic")
    if settings.kafka_topic not in missing and not yes:
        _require_test_topic(settings)
    if create_topic:
        creator.create(missing)
        for topic in missing:
            print_text(f"topic {topic} created")


def _require_test_topic(settings: Settings) -> None:
    with ExitStack() as stack:
        reasons = list(reasons_against(factories.topic_reader(settings, settings.kafka_topic, stack)))
    if reasons:
        raise ServiceError(
            f"topic {settings.kafka_topic} may have responses of users: {reasons[0]}. Set KAFKA_TOPIC to a topic for "
            "tests. --yes produces all the same"
        )


def _registered_id(settings: Settings) -> int:
    """The id of the packaged schema in the registry."""
    if settings.schema_registry_type != "confluent":
        raise SettingsError("SCHEMA_REGISTRY_TYPE: samples can be written with the schema of a confluent registry only")
    text = paths.schemas().joinpath("sprig", "response.avsc").read_text()
    options = settings.schema_registry_config.get_secret_value()
    registry = RegistryClient(str(settings.schema_registry_url), options, factories.proxies(settings))
    with closing(registry):
        try:
            return register(registry, f"{settings.kafka_topic}-value", text)
        except RegistryUnreachable as error:
            raise ServiceError(f"the schema registry did not register the schema: {error}") from None


def _paced(samples: Iterator[Sample], rate: int, stop: threading.Event) -> Iterator[Sample]:
    """The samples at `rate` a second, until `stop` is set."""
    started_at = time.monotonic()
    for number, sample in enumerate(samples):
        if stop.wait(max(0.0, started_at + number / rate - time.monotonic())):
            return
        yield sample


def _produce(producer: SampleProducer, writer: FramingWriter, schema: WriterSchema, sample: Sample) -> None:
    body = sample.payload(lambda record: decoder.encode(schema, record))
    producer.produce(sample.key, writer.value(body), writer.headers)
