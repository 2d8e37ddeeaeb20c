"""A TCP link that can be made bad: slow, narrow, silent, torn, or refusing."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress

CHUNK = 16384
HELD = 64  # chunks on their way in one direction of a connection; then the sender is not read any more


class Proxy:
    """
    Passes connections to its `port` on to `target`, both on loopback; everything may be changed at any time.

    `latency` in seconds each way, `rate` in bytes a second each way of each connection (0: no limit).
    """

    def __init__(self, port: int, target: int) -> None:
        self.port, self._target = port, target
        self.latency, self.rate = 0.0, 0.0
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._passes = asyncio.Event()
        self._passes.set()
        self._server: asyncio.Server | None = None

    def silence(self) -> None:
        """A black hole: connections are taken and nothing comes through; what was sent is kept."""
        self._call(self._passes.clear)

    def pass_on(self) -> None:
        self._call(self._passes.set)

    def reset(self) -> None:
        """Tear all connections."""
        self._call(self._tear)

    def refuse(self) -> None:
        """Take no connection any more, and tear those that are open."""
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
        self._tear()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

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
        ways = [asyncio.create_task(self._pass(*way)) for way in ((near_in, far_out), (far_in, near_out))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for end in (near_out, far_out):
                end.close()
                self._open.discard(end)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One way of one connection: what is read is written when its time on the link is over."""
        on_its_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(HELD)
        taking = asyncio.create_task(self._take(reader, on_its_way))
        try:
            with suppress(OSError):
                while True:
                    due, data = await on_its_way.get()
                    await self._passes.wait()
                    if not data:
                        return
                    await asyncio.sleep(max(due - self._loop.time(), len(data) / self.rate if self.rate else 0))
                    writer.write(data)
                    await writer.drain()
        finally:
            taking.cancel()

    async def _take(self, reader: asyncio.StreamReader, on_its_way: "asyncio.Queue[tuple[float, bytes]]") -> None:
        data = b"."
        while data:
            try:
                data = await reader.read(CHUNK)
            except OSError:
                data = b""
            await on_its_way.put((self._loop.time() + self.latency, data))

    def _tear(self) -> None:
        for end in self._open:
            end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.transport.abort()  # with a linger of 0 seconds: RST instead of FIN

    def _call(self, what: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(what)

    def _wait(self, what: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(10)
