"""What a picture costs the message stream: inline as base64, and as a reference."""

import base64
import tempfile

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.timing import alternate, show
from coatcheck import open_store
from coatcheck.reference import MediaUrls
from coatcheck_chat.painter import paint

ROUNDS = 30


async def run() -> None:
    """Compare one 1024×1024 picture's two ways through the stream."""
    picture = paint("a lighthouse at dusk", seed=7, width=1024, height=1024)
    inline = msgspec.json.encode(
        {
            "type": "tool-output-available",
            "toolCallId": "call_1",
            "output": {"success": True, "imageData": base64.b64encode(picture).decode()},
        }
    )
    with tempfile.TemporaryDirectory() as data:
        async with open_store(data) as store:
            stored = await store.put(picture, display_name="lighthouse.png", alt="a lighthouse")
            thumbnail = await store.thumbnail(stored.id)
    reference = msgspec.json.encode(
        {
            "type": "tool-output-available",
            "toolCallId": "call_1",
            "output": stored.to_ui(MediaUrls()),
        }
    )
    table = Table("", "inline", "reference", "inline ÷ reference", title="One 1024×1024 picture")
    row(table, "bytes of the message", len(inline), len(reference))
    row(table, "bytes in the history", len(inline), len(msgspec.json.encode(stored.to_stored())))
    line = stored.to_model()
    row(table, "characters for the model", len(base64.b64encode(picture)), len(line))
    Console().print(table)
    Console().print(
        f"The picture is {len(picture):,} bytes, its thumbnail {len(thumbnail.data):,};"
        f" the model's line: {line}\n",
        highlight=False,
        markup=False,
    )

    async def parse_inline() -> None:
        msgspec.json.decode(inline)

    async def parse_reference() -> None:
        msgspec.json.decode(reference)

    seconds = await alternate({"reference": parse_reference, "inline": parse_inline}, ROUNDS)
    show("Parsing one message (msgspec)", seconds, "reference")


def row(table: Table, name: str, inline: int, reference: int) -> None:
    """A line with both counts and their ratio."""
    table.add_row(name, f"{inline:,}", f"{reference:,}", f"{inline / reference:,.0f}")
