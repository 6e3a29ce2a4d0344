"""Histories of any form: every legacy shape, whole, cut short and twice, at any depth."""

import base64
import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from coatcheck.migration.opening import open_source
from coatcheck.migration.source import BatchLimits, Source
from tests.legacy import encoded, formatted, reference, results, text_message, tool_message
from tests.media import image_bytes, png_bytes

PICTURES = [png_bytes(300, 200, seed) for seed in range(2)] + [image_bytes("jpeg", 320, 240, 7)]
SMALL = png_bytes(40, 30)
THUMBNAIL = png_bytes(32, 24, seed=1)
CUT = encoded(PICTURES[0])[:6000]
ABOUT = {"prompt": "a lighthouse", "model": "dall-e-3"}


def _wrapped(data: bytes) -> str:
    return base64.encodebytes(data).decode()


def _carried(index: int) -> list[Any]:
    """A picture in the ways in which histories carry one."""
    data = PICTURES[index]
    uri = f"data:image/png;base64,{encoded(data)}"
    return [
        *results(data, THUMBNAIL).values(),
        encoded(data),
        _wrapped(data),
        base64.urlsafe_b64encode(data).decode(),
        uri,
        f"Look: ![sea]({uri}), and again ![sea]({uri}).",
        text_message("m", f"![sea]({uri})", "user"),
        text_message("m", formatted({"imageData": encoded(data)} | ABOUT)),
        tool_message("m", formatted({"url": uri} | ABOUT)),
        {"role": "tool", "content": formatted({"imageData": encoded(data)} | ABOUT)},
        {"type": "image", "source": {"type": "base64", "data": encoded(data)}},
        {"a": encoded(data), "b": encoded(data)},
    ]


LEAVES: list[Any] = [
    *(carried for index in range(len(PICTURES)) for carried in _carried(index)),
    *results(SMALL, THUMBNAIL).values(),
    *results(PICTURES[0][:5000], THUMBNAIL).values(),
    {"imageData": CUT} | ABOUT,
    {"imageData": CUT, "imageUrl": f"data:image/png;base64,{encoded(PICTURES[1])}"} | ABOUT,
    f"![cut](data:image/png;base64,{CUT})",
    formatted({"imageData": "A" * 5000} | ABOUT),
    CUT,
    "QUJD" * 2000,
    {"success": True, "data": {"imageReference": reference(THUMBNAIL)} | ABOUT},
    {"imageUrl": "file:///srv/absent.png"} | ABOUT,
    formatted({"answer": 42}),
    "plain",
    None,
    1.5,
]


def _escaped(text: str) -> str:
    """JSON as .NET writes it."""
    return text.replace("+", "\\u002B")


leaves = st.sampled_from(LEAVES)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["content", "output", "text", "a/b~c"]), inner, max_size=3
        )
        | inner.map(json.dumps)
    ),
    max_leaves=5,
)
documents = values.map(json.dumps) | values.map(json.dumps).map(_escaped) | leaves.map(str)
histories = st.lists(documents.map(lambda text: text.replace("\n", " ")), min_size=1, max_size=6)


async def jsonl(path: Path, lines: list[str]) -> Source:
    """A history in a file, read in small batches."""
    path.write_text("".join(line + "\n" for line in lines), "utf-8")
    return await open_source(str(path), limits=BatchLimits(rows=2))
