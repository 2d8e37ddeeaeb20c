"""`demo-segment`: the stand-in for Segment alone, for a service that reads a test cluster."""

import click

from consumer.cli.params import plain_errors
from consumer.demo.demo_segment import KEYS, demo_segment
from consumer.demo.segment_server import LOOPBACK
from consumer.errors import ServiceError
from consumer.jsonio import dumps
from consumer.signals import stop_requests

STOP_SECONDS = 5.0


@click.command("demo-segment")
@click.option("--host", default=LOOPBACK, show_default=True, help="The address that it listens on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True, help="0 chooses a free port.")
@plain_errors
def segment(host: str, port: int) -> None:
    """Run a stand-in for Segment with an inbox.

    The stand-in enforces Segment's documented limits, and refuses one of the samples. Its front page shows the events
    that arrived. The command prints the settings with which `run` delivers to the stand-in. It keeps all events in
    memory until Ctrl-C.

    \b
    Example:
      sprig-to-segment demo-segment --port 8090
    """
    try:
        stand_in = demo_segment(host=host, port=port)
    except OSError as error:
        raise ServiceError(f"cannot listen on {host}, port {port}: {error.strerror}: choose another --port") from None
    with stop_requests(STOP_SECONDS) as stop, stand_in:
        click.echo(f"The inbox of Segment's stand-in: {stand_in.front}\nThe settings for `run`:")
        click.echo(f"SEGMENT_ENDPOINT={stand_in.url}")
        click.echo(f"SEGMENT_WRITE_KEYS={dumps(KEYS).decode()}")
        stop.wait()
