"""What delivery costs, against nginx, Starlette, thumbor, ipx and imgproxy on the same machine.

``docs/explanation/benchmarks.md`` says how this is measured, and holds a run. Every server is
started here, listens on loopback, and is stopped at the end.
"""

import argparse
import asyncio
import os
import tempfile
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from benchmarks.peers import contenders, trials
from benchmarks.peers.client import get
from benchmarks.peers.contenders import (
    BARE,
    COATCHECK,
    IMGPROXY,
    IPX,
    NGINX,
    SIGNED_SERVER,
    STARLETTE,
    THUMBOR,
    WHOLE_SERVER,
    WIDTH,
    Contender,
)
from benchmarks.peers.corpus import SAMPLES, Corpus, lay_out
from benchmarks.peers.load import CONNECTIONS, Load, generator, hammer
from benchmarks.peers.processes import OtherWork
from benchmarks.peers.report import growth, rates, ratio
from benchmarks.tables import Table, conditions_line
from benchmarks.targets import Target, keep
from benchmarks.targets import table as target_table

ROUNDS = 4
SECONDS = 2
WARM_UP_SECONDS = 1
COLD_PER_ROUND = 48
CROWDS = 3
THUMBNAIL_BYTES = 10 * 1024
CHUNK_BYTES = 256 * 1024
_WIDTH = 120

SMALL_FILES = (WHOLE_SERVER, SIGNED_SERVER, COATCHECK, BARE, NGINX, STARLETTE)
LARGE_FILES = (WHOLE_SERVER, COATCHECK, NGINX, STARLETTE)
RENDERERS = (WHOLE_SERVER, THUMBOR, IPX, IMGPROXY)

Running = Mapping[str, Contender]
Missing = Mapping[str, str]


@dataclass(slots=True)
class Findings:
    """Everything that is told of a run, printed at once and kept as Markdown."""

    parts: list[str] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)

    def add(self, table: Table) -> None:
        """Print a table."""
        Console(width=_WIDTH).print(table.rich())
        self.parts.append(table.markdown())

    def say(self, *sentences: str) -> None:
        """Print a paragraph."""
        text = textwrap.fill(" ".join(sentences), 110, break_on_hyphens=False)
        print(f"{text}\n")
        self.parts.append(f"{text}\n")


def run(output: Path) -> None:
    """Measure everything; takes about six minutes, besides fetching the peers once.

    Args:
        output: folder for ``delivery.md`` and ``targets-delivery.json``.
    """
    if not Path("/proc/self/stat").exists():
        print("Delivery is measured on Linux only: CPU and memory are read from /proc.")
        return
    start = time.monotonic()
    others = OtherWork()
    by = "wrk" if generator() else "a client in Python, slower than wrk, which is not to be had"
    print(f"Delivery: {ROUNDS} rounds of {SECONDS} s, {CONNECTIONS} connections, load by {by}")
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        place = Path(temporary)
        # SAMPLES are for tuning, SAMPLES for warming up, the last ones for the crowds.
        corpus = asyncio.run(lay_out(place, 2 * SAMPLES + ROUNDS * COLD_PER_ROUND + CROWDS))
        running, missing = contenders.start_all(stack, corpus, place)
        findings = Findings()
        measure_files(findings, running, missing, corpus)
        measure_variants(findings, running, missing, len(corpus.ids))
    findings.add(target_table("What was wanted of delivery", findings.targets))
    conditions = {
        "date": time.strftime("%Y-%m-%d"),
        "rounds": f"{ROUNDS} of {SECONDS} s, {CONNECTIONS} connections, load by {by}",
        "cores": os.cpu_count(),
        "other processes' share of the machine": f"{others.share():.0%}",
    }
    keep(output, "delivery", findings.targets)
    text = "\n".join([conditions_line(conditions), "", *findings.parts])
    (output / "delivery.md").write_text(text, "utf-8")
    print(
        f"Delivery took {time.monotonic() - start:.0f} s; other processes had"
        f" {others.share():.0%} of the machine meanwhile"
    )


def measure_files(findings: Findings, running: Running, missing: Missing, corpus: Corpus) -> None:
    """Revalidation, a thumbnail and an original: what nginx and Starlette have as files."""
    servers, absent = choose(SMALL_FILES, running, missing)
    tags = {server.name: _entity_tag(server) for server in servers}

    def revalidate(server: Contender, number: int) -> Load:
        headers = {"If-None-Match": tags[server.name]}
        return hammer(server, server.revalidated, seconds=_seconds(number), headers=headers)

    def load_thumbnail(server: Contender, number: int) -> Load:
        return hammer(server, server.thumbnail, seconds=_seconds(number))

    def load_original(server: Contender, number: int) -> Load:
        return hammer(server, server.original, seconds=_seconds(number))

    revalidated = alternate(servers, revalidate)
    title = "304 for a thumbnail (Starlette: StaticFiles)"
    findings.add(rates(title, revalidated, NGINX, missing=absent))
    thumbnail = alternate(servers, load_thumbnail)
    title = "A ready thumbnail (Starlette: FileResponse)"
    findings.add(rates(title, thumbnail, NGINX, missing=absent))
    servers, absent = choose(LARGE_FILES, running, missing)
    original = alternate(servers, load_original)
    size = corpus.large_bytes / 1e6
    title = f"An original of {size:.1f} MB"
    findings.add(rates(title, original, NGINX, missing=absent, unit="MB/s", scale=size))
    memory = {server.name: trials.hold(server) for server in servers}
    findings.add(growth(memory))
    for text, series in (("304", revalidated), ("thumbnail", thumbnail)):
        for server, bound in ((WHOLE_SERVER, 0.85), (SIGNED_SERVER, 0.6)):
            value = ratio(series, server, BARE, per_core=True)
            findings.targets.append(Target(f"{server}: {text} ÷ {BARE}, per core", value, bound))
    findings.targets += [
        Target(
            f"{WHOLE_SERVER}: original of 3 MB ÷ nginx, per core",
            ratio(original, WHOLE_SERVER, NGINX, per_core=True),
            0.7,
        ),
        Target(
            f"{WHOLE_SERVER}: 304 ÷ Starlette StaticFiles",
            ratio(revalidated, WHOLE_SERVER, STARLETTE),
            5,
        ),
        Target(
            f"{WHOLE_SERVER}: thumbnail ÷ Starlette FileResponse",
            ratio(thumbnail, WHOLE_SERVER, STARLETTE),
            5,
        ),
        Target(
            f"{WHOLE_SERVER}: growth of memory per slow reader",
            memory[WHOLE_SERVER].per_reader / 1024,
            CHUNK_BYTES / 1024,
            "at most",
            "KiB",
        ),
    ]


def measure_variants(findings: Findings, running: Running, missing: Missing, pictures: int) -> None:
    """WebP of 1024×1024 PNG at `WIDTH`: cold, hot, and cold for a crowd.

    Raises:
        RuntimeError: what is to be cold was there already.
    """
    servers, absent = choose(RENDERERS, running, missing)
    quality = tune_sizes(findings, servers)
    refusals = dict.fromkeys(quality, 0)

    def ask_cold(server: Contender, number: int) -> Load:
        first = 2 * SAMPLES + (number - 1) * COLD_PER_ROUND if number else SAMPLES
        asked = range(first, first + (COLD_PER_ROUND if number else SAMPLES))
        load, refused = trials.ask_each(
            server, [server.variant(picture, quality[server.name]) for picture in asked]
        )
        refusals[server.name] += refused
        return load

    def ask_hot(server: Contender, number: int) -> Load:
        return hammer(server, server.variant(0, quality[server.name]), seconds=_seconds(number))

    baseline = IPX if IPX in running else WHOLE_SERVER
    cold = alternate(servers, ask_cold)
    findings.add(rates(f"A cold variant of {WIDTH} px", cold, baseline, missing=absent))
    refused = ", ".join(f"{name} {count}" for name, count in refusals.items())
    at_once = trials.CONCURRENCY
    findings.say(f"Refused with 503 at first, with {at_once} asking at once: {refused}.")
    hot = alternate(servers, ask_hot)
    title = "The same variant again (ipx keeps none)"
    findings.add(rates(title, hot, baseline, missing=absent))
    crowds = [
        trials.crowd(running[COATCHECK], running[COATCHECK].variant(pictures - number, 0))
        for number in range(1, CROWDS + 1)
    ]
    if not all(one.encodes for one in crowds):
        raise RuntimeError(f"Variants of {WIDTH} px are made before they are asked for.")
    findings.say(
        f"{trials.CROWD:,} simultaneous requests for one cold variant:",
        *(
            f"{crowd.answered:,} answers 200 within {crowd.seconds:.2f} s, {crowd.encodes} encoded."
            for crowd in crowds
        ),
    )
    for peer, bound in ((IPX, 1.3), (THUMBOR, 2.0), (IMGPROXY, 1.0)):
        what = f"{WHOLE_SERVER}: cold variant ÷ {peer}, per core"
        value = ratio(cold, WHOLE_SERVER, peer, per_core=True)
        findings.targets.append(Target(what, value, bound, note=missing.get(peer, "")))
    findings.targets += [
        Target(f"{WHOLE_SERVER}: hot variant ÷ {peer}", ratio(hot, WHOLE_SERVER, peer), 5)
        for peer in (IPX, THUMBOR)
    ]
    answered = min(one.answered for one in crowds)
    encodes = max(one.encodes for one in crowds)
    findings.targets += [
        Target("1,000 at once for a cold variant: answers 200", answered, trials.CROWD),
        Target("1,000 at once for a cold variant: encoded", encodes, 1, "at most"),
    ]


def choose(
    names: Sequence[str], running: Running, missing: Missing
) -> tuple[list[Contender], dict[str, str]]:
    """Those of the named servers that run, and why the others do not."""
    servers = [running[name] for name in names if name in running]
    return servers, {name: missing[name] for name in names if name in missing}


def tune_sizes(findings: Findings, servers: Sequence[Contender]) -> dict[str, int]:
    """The quality at which each server's variants are as large as Coatcheck's."""
    samples = range(SAMPLES)
    aim = trials.mean_bytes(servers[0], samples, 0)
    quality = {servers[0].name: 0}
    told = [f"Mean variant of {servers[0].name}: {aim:,.0f} bytes, by its recipe"]
    for server in servers[1:]:
        quality[server.name], size = trials.tune(server, samples, aim)
        told.append(f"{server.name}: {size:,.0f} at quality {quality[server.name]}")
    findings.say("; ".join(told) + ".")
    return quality


def alternate(
    servers: Sequence[Contender], action: Callable[[Contender, int], Load]
) -> dict[str, list[Load]]:
    """Load the servers in turn; round 0 does not count, and each round begins with another."""
    loads: dict[str, list[Load]] = {server.name: [] for server in servers}
    for number in range(ROUNDS + 1):
        first = number % len(servers)
        for server in (*servers[first:], *servers[:first]):
            load = action(server, number)
            if number > 0:
                loads[server.name].append(load)
    return loads


def _seconds(number: int) -> int:
    return SECONDS if number else WARM_UP_SECONDS


def _entity_tag(server: Contender) -> str:
    """The thumbnail's validator.

    Raises:
        RuntimeError: the server does not do what is about to be measured.
    """
    thumbnail = get(server.port, server.thumbnail)
    if thumbnail.status != 200 or not 0 < len(thumbnail.body) <= THUMBNAIL_BYTES:
        raise RuntimeError(f"{server.name} serves no thumbnail of at most 10 KiB.")
    tag = get(server.port, server.revalidated).headers["etag"]
    if get(server.port, server.revalidated, {"If-None-Match": tag}).status != 304:
        raise RuntimeError(f"{server.name} does not answer 304.")
    return tag


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.delivery")
    parser.add_argument("--output", type=Path, default=Path("benchmarks-results"))
    run(parser.parse_args().output)


if __name__ == "__main__":
    main()
