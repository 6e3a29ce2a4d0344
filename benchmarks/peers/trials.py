"""What a load of one request cannot tell: cold variants, slow readers, a crowd at once."""

import asyncio
import json
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.peers.client import Connection, get, prepare
from benchmarks.peers.contenders import Contender
from benchmarks.peers.load import Load
from benchmarks.peers.names import ENCODES_PATH
from benchmarks.peers.processes import cpu_seconds, family, resident_bytes

CONCURRENCY = 8
READERS = 64
CROWD = 1000
_HOLD_SECONDS = 4.0
_COLD_SECONDS = 4.0
_SIP_BYTES = 4096
_SAMPLES_A_SECOND = 10
_RETRY_SECONDS = 0.05
_QUALITIES = (40, 98)
_OK = 200
_OVERLOADED = 503


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident bytes of a server and its children around slow readers."""

    before: int
    peak: int

    @property
    def per_reader(self) -> float:
        """What one reader costs at most, in bytes."""
        return (self.peak - self.before) / READERS


@dataclass(frozen=True, slots=True)
class Crowd:
    """What came of many simultaneous requests for one variant."""

    answered: int
    encodes: int
    seconds: float


def ask_each(contender: Contender, paths: Sequence[str]) -> tuple[Load, int]:
    """Ask for each path once, on `CONCURRENCY` connections; also how often 503 came.

    What was refused with 503 is asked again a little later until it is answered. A server that is
    slow, or whose machine is busy, is not asked for all of them.
    """
    before = cpu_seconds(contender.pid)
    start = time.perf_counter()
    statuses = asyncio.run(_ask_each(contender.port, iter(paths)))
    seconds = time.perf_counter() - start
    cpu = cpu_seconds(contender.pid) - before
    refused = statuses.pop(_OVERLOADED, 0)
    answers = statuses.total()
    return Load(answers, answers - statuses[_OK], seconds, cpu), refused


async def _ask_each(port: int, paths: Iterator[str]) -> Counter[int]:
    end = time.monotonic() + _COLD_SECONDS
    statuses: Counter[int] = Counter()

    async def ask_in_turn() -> None:
        connection = await Connection.open(port)
        for path in paths:
            request = prepare(path)
            while (status := (await connection.ask(request)).status) == _OVERLOADED:
                statuses[status] += 1
                await asyncio.sleep(_RETRY_SECONDS)
            statuses[status] += 1
            if time.monotonic() > end:
                break
        connection.close()

    await asyncio.gather(*(ask_in_turn() for _ in range(CONCURRENCY)))
    return statuses


def mean_bytes(contender: Contender, numbers: Sequence[int], quality: int) -> float:
    """The mean size of a variant of these pictures.

    Raises:
        RuntimeError: one of them is not answered with a picture.
    """
    sizes = []
    for number in numbers:
        answer = get(contender.port, contender.variant(number, quality))
        if answer.status != _OK:
            raise RuntimeError(f"{contender.name} answers {answer.status} to a variant.")
        sizes.append(len(answer.body))
    return sum(sizes) / len(sizes)


def tune(contender: Contender, numbers: Sequence[int], size: float) -> tuple[int, float]:
    """The quality whose variants come nearest to a mean size, and their mean size."""
    low, high = _QUALITIES
    tried: dict[int, float] = {}
    while low <= high:
        middle = (low + high) // 2
        tried[middle] = mean_bytes(contender, numbers, middle)
        if tried[middle] < size:
            low = middle + 1
        else:
            high = middle - 1
    return min(tried.items(), key=lambda item: abs(item[1] - size))


def hold(contender: Contender) -> Memory:
    """Let `READERS` clients read the original a sip a second and watch the server's memory."""
    return asyncio.run(_hold(contender))


async def _hold(contender: Contender) -> Memory:
    pids = family(contender.pid)
    before = peak = resident_bytes(pids)
    loop = asyncio.get_running_loop()
    sockets = [_small_socket() for _ in range(READERS)]
    try:
        for one in sockets:
            await loop.sock_connect(one, ("127.0.0.1", contender.port))
            await loop.sock_sendall(one, prepare(contender.original))
        end = loop.time() + _HOLD_SECONDS
        next_sip = loop.time()
        while loop.time() < end:
            if loop.time() >= next_sip:
                next_sip += 1
                for one in sockets:
                    await loop.sock_recv(one, _SIP_BYTES)
            peak = max(peak, resident_bytes(pids))
            await asyncio.sleep(1 / _SAMPLES_A_SECOND)
    finally:
        for one in sockets:
            one.close()
    return Memory(before, peak)


def _small_socket() -> socket.socket:
    one = socket.socket()
    one.setblocking(False)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SIP_BYTES)
    return one


def crowd(contender: Contender, path: str) -> Crowd:
    """Ask `CROWD` times at once for a variant that is not there yet."""
    encodes = _encodes(contender)
    answered, seconds = asyncio.run(_crowd(contender.port, prepare(path)))
    return Crowd(answered, _encodes(contender) - encodes, seconds)


async def _crowd(port: int, request: bytes) -> tuple[int, float]:
    connections = [await Connection.open(port) for _ in range(CROWD)]
    start = time.perf_counter()
    answers = await asyncio.gather(*(connection.ask(request) for connection in connections))
    seconds = time.perf_counter() - start
    for connection in connections:
        connection.close()
    return sum(answer.status == _OK for answer in answers), seconds


def _encodes(contender: Contender) -> int:
    return int(json.loads(get(contender.port, ENCODES_PATH).body))
