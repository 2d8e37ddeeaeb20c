"""Owns a TCP proxy with faults: latency, a low rate, silence, resets, refused connections."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress

CHUNK = 16384  # bytes
MAX_CHUNKS_IN_FLIGHT = 64  # in one direction of a connection; at this number the sender is not read any more


class Proxy:
    """
    Forwards connections from `port` to `target`, both on loopback. Everything may be changed at any time.

    `latency` is in seconds for each direction. `rate` is in bytes a second for each direction of each connection
    (0: no limit).
    """

    def __init__(self, port: int, target: int) -> None:
        self.port, self._target = port, target
        self.latency, self.rate = 0.0, 0.0
        self.connections = self.reset_connections = 0
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._link_open = asyncio.Event()
        self._link_open.set()
        self._server: asyncio.Server | None = None

    def silence(self) -> None:
        """Become a black hole: accept connections and bytes, and forward nothing until `forward`."""
        self._call(self._link_open.clear)

    def forward(self) -> None:
        self._call(self._link_open.set)

    def reset(self) -> None:
        """Reset all connections."""
        self._call(self._abort_all)

    def refuse(self) -> None:
        """Accept no connections any more, and reset the open ones."""
        self._wait(self._stop())

    def accept(self) -> None:
        self._wait(self._start())

    @contextmanager
    def running(self) -> Iterator["Proxy"]:
        thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        thread.start()
        self.accept()
        try:
            yield self
        finally:
            self.refuse()
            self._wait(self._end())
            self._call(self._loop.stop)
            thread.join(10)
            self._loop.close()

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, backlog=256)

    async def _stop(self) -> None:
        if self._server:
            self._server.close()
        self._abort_all()

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(near_out)
        try:
            far_in, far_out = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            near_out.transport.abort()
            self._open.discard(near_out)
            return
        self._open.add(far_out)
        directions = [
            asyncio.create_task(self._copy(reader, writer))
            for reader, writer in ((near_in, far_out), (far_in, near_out))
        ]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            for writer in (near_out, far_out):
                writer.close()
                self._open.discard(writer)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Copy one direction of a connection: write each chunk when its time on the link is over."""
        in_flight: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(MAX_CHUNKS_IN_FLIGHT)
        reading = asyncio.create_task(self._read(reader, in_flight))
        try:
            with suppress(OSError):
                while True:
                    due, data = await in_flight.get()
                    await self._link_open.wait()
                    if not data:
                        return
                    await asyncio.sleep(max(due - self._loop.time(), self._seconds_to_send(data)))
                    writer.write(data)
                    await writer.drain()
        finally:
            reading.cancel()

    def _seconds_to_send(self, data: bytes) -> float:
        return len(data) / self.rate if self.rate else 0.0

    async def _read(self, reader: asyncio.StreamReader, in_flight: "asyncio.Queue[tuple[float, bytes]]") -> None:
        data = b"."
        while data:
            try:
                data = await reader.read(CHUNK)
            except OSError:
                data = b""
            await in_flight.put((self._loop.time() + self.latency, data))

    def _abort_all(self) -> None:
        self.reset_connections += (len(self._open) + 1) // 2  # each has a near and a far end
        for writer in self._open:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()  # with a linger time of 0 seconds, this sends RST in place of FIN

    def _call(self, operation: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(operation)

    def _wait(self, operation: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(operation, self._loop).result(10)
