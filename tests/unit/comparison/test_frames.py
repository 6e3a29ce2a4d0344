import base64
import json
from typing import Any
from uuid import uuid4

import pytest

from coatcheck.reference import MediaReference, MediaUrls
from coatcheck_chat.comparison import Side, Way, frames

CONTENT = bytes(range(256)) * 200
ADDRESS = f"data:image/png;base64,{base64.b64encode(CONTENT).decode()}"
PICTURE = MediaReference(
    id=str(uuid4()), mime_type="image/png", size=len(CONTENT), digest="sha-256:" + "0" * 64
)


def played(side: Side, way: Way) -> list[dict[str, Any]]:
    return [json.loads(frame) for frame in frames(PICTURE, CONTENT, number=3, side=side, way=way)]


def text_of(messages: list[dict[str, Any]]) -> str:
    """What a page shows at the end."""
    text = ""
    for message in messages:
        text = message.get("text", text + message.get("delta", ""))
    return text


@pytest.mark.parametrize("way", ["frame", "growing", "tokens"])
def test_references_send_the_ui_form_once_and_no_base64(way: Way) -> None:
    messages = played("references", way)
    outputs = [each["output"] for each in messages if each["type"] == "output"]
    assert outputs == [PICTURE.to_ui(MediaUrls())]
    assert "base64" not in json.dumps(messages)


def test_legacy_in_one_frame_carries_the_picture() -> None:
    (message,) = played("legacy", "frame")
    assert message["output"]["imageData"] == ADDRESS


def test_a_growing_text_carries_the_picture_in_every_frame() -> None:
    messages = played("legacy", "growing")
    assert len(messages) > 5
    assert all(ADDRESS in each["text"] for each in messages)


def test_tokens_bring_the_picture_bit_by_bit() -> None:
    messages = played("legacy", "tokens")
    assert max(len(each["delta"]) for each in messages) <= 8192
    assert ADDRESS in text_of(messages)


@pytest.mark.parametrize("way", ["growing", "tokens"])
def test_both_sides_say_the_same(way: Way) -> None:
    prose = text_of(played("references", way))
    assert prose
    assert text_of(played("legacy", way)).endswith(prose)
    assert {each["id"] for each in played("legacy", way)} == {"3"}
