"""The clients of Kafka, and what they know of the group and of the topics."""

import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from consumer.avro.registry_types import glue_region
from consumer.aws.credentials import CredentialSources
from consumer.factories.common import VERSION, proxies
from consumer.http_client.client import HttpClient
from consumer.kafka import token_errors
from consumer.kafka.admin import KafkaAdmin
from consumer.kafka.client_config import ClientLog, consumer_config, identity_options, producer_config
from consumer.kafka.consumer import GroupConsumer
from consumer.kafka.dead_letter_topic import TopicFinding, judge
from consumer.kafka.dead_letters import DeadLetterWriter, UnwrapRecord, record_itself
from consumer.kafka.group_reader import GroupReader
from consumer.kafka.group_report import GroupReportReader, group_report
from consumer.kafka.group_view import GroupView
from consumer.kafka.token_endpoint import direct_libcurl, uses_token_endpoint
from consumer.kafka.topic_reader import TopicReader
from consumer.observability import log_setup
from consumer.observability.group_watch import GroupWatch
from consumer.settings import Settings


def group_consumer(settings: Settings) -> GroupConsumer:
    from_beginning = settings.kafka_auto_offset_reset == "earliest"
    return GroupConsumer(group_consumer_config(settings), settings.kafka_topic, from_beginning)


def group_consumer_config(settings: Settings) -> Mapping[str, object]:
    return consumer_config(settings.kafka_bootstrap_servers, settings.kafka_group_id, kafka_options(settings))


def topic_reader(settings: Settings, topic: str, closing: ExitStack) -> TopicReader:
    """Reads a topic without joining the group, and knows what the group committed."""
    servers, group = settings.kafka_bootstrap_servers, settings.kafka_group_id
    return closing.enter_context(TopicReader(servers, group, kafka_options(settings), topic))


def group_reader(settings: Settings) -> GroupReader:
    """Reads the whole group from outside, without joining it. Raises SettingsError."""
    servers, group = settings.kafka_bootstrap_servers, settings.kafka_group_id
    return GroupReader(servers, group, kafka_options(settings), settings.kafka_topic)


def group_watch(settings: Settings) -> GroupWatch:
    """Reads the whole group in the background while somebody looks at it."""
    unread = group_report(GroupView(settings.kafka_topic, settings.kafka_group_id))
    return GroupWatch(lambda: GroupReportReader(group_reader(settings)), unread)


def kafka_admin(settings: Settings) -> KafkaAdmin:
    return KafkaAdmin(settings.kafka_bootstrap_servers, kafka_options(settings))


def dead_letter_topic_findings(settings: Settings) -> Sequence[TopicFinding]:
    """What the settings of the dead-letter topic mean for dead letters."""
    topics = settings.kafka_topic, settings.dead_letter_topic
    return judge(*topics, kafka_admin(settings).topic_settings(topics))


def kafka_options(settings: Settings) -> Mapping[str, object]:
    """The options of the Kafka clients: those of KAFKA_CONFIG, and those by which brokers know this member."""
    options: Mapping[str, object] = settings.kafka_config.get_secret_value()
    if uses_token_endpoint(options):
        is_proxied = proxies(settings).is_proxied(str(options.get(token_errors.URL, "")))
        direct_libcurl(settings.https_proxy.get_secret_value() if is_proxied else "")
    identity = identity_options(settings.kafka_group_instance_id, aws_sources(settings))
    logger = ClientLog(logging.getLogger(log_setup.LIBRDKAFKA))
    return {"client.id": f"sprig-to-segment-{VERSION}", **options, **identity, "logger": logger}


def aws_sources(settings: Settings) -> CredentialSources | None:
    """Where the credentials for KAFKA_MSK_REGION come from; None without this setting."""
    if not settings.kafka_msk_region:
        return None
    return CredentialSources(settings.kafka_msk_region, os.environ, HttpClient(proxies(settings)))


def sts_urls(settings: Settings) -> Sequence[str]:
    """Where credentials of a service account's role come from, for Kafka and for the schema registry."""
    regions = [settings.kafka_msk_region or ""]
    if settings.schema_registry_type == "glue":
        options = settings.schema_registry_config.get_secret_value()
        regions.append(glue_region(options, str(settings.schema_registry_url)))
    http = HttpClient(proxies(settings))
    return list(dict.fromkeys(CredentialSources(region, os.environ, http).sts_url for region in regions if region))


def dead_letter_writer(settings: Settings, unwrap: UnwrapRecord = record_itself) -> DeadLetterWriter:
    """`unwrap` gives the record to write, if what was read only holds a copy of it."""
    config = producer_config(settings.kafka_bootstrap_servers, kafka_options(settings))
    return DeadLetterWriter(config, settings.dead_letter_topic, settings.kafka_topic, VERSION, unwrap)
