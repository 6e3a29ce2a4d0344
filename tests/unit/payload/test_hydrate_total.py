"""Whatever `offload` takes out, `hydrate` gives a picture or a line for, wherever it stands."""

import json
from typing import Any

import pytest

from coatcheck.payload.hydrate import hydrate
from coatcheck.payload.hydration.policies import never, stable
from coatcheck.payload.hydration.providers import ProviderName
from coatcheck.payload.offload import Form, offload
from coatcheck.reference import MediaUrls
from coatcheck.store import MediaStore
from tests.golden.golden import FORMS, Golden, media_bytes, named
from tests.unit.payload.conversations import PROVIDERS, answer, text_block, tool_turn, user
from tests.unit.payload.test_shapes_by_hand import GOLDEN

pytestmark = pytest.mark.anyio

URLS = MediaUrls(base_url="https://cdn.example/media")
OURS = ("media://", "media_reference", "cdn.example")


def as_json(value: Any) -> str:
    return json.dumps(value, default=lambda data: data.hex())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("golden", GOLDEN, ids=named)
async def test_no_reference_and_no_link_reaches_a_model(
    store: MediaStore, golden: Golden, form: Form
) -> None:
    """In a part, nested in one, in a tool's result, in JSON in a text, and in that once more."""
    kinds = {"pdf": "application/pdf", "wav": "audio/wav"}
    data = media_bytes(golden.kind)
    payload = golden.make(data, kinds.get(golden.kind, f"image/{golden.kind}"))
    offloaded = await offload(payload, store, form=form, urls=URLS, bare="object")
    taken = offloaded.payload
    text = as_json(taken)
    for provider in PROVIDERS:
        messages = [
            user(provider, {"type": "custom", "payload": [{"deep": taken}]}),
            user(provider, text_block(provider, text), text_block(provider, json.dumps([text]))),
            *tool_turn(provider, {"told": taken} if provider == "gemini" else text),
            answer(provider),
        ]
        for policy in (never(), stable()):
            hydrated = await hydrate(messages, store, provider=provider, urls=URLS, policy=policy)
            said = as_json(hydrated.messages)
            assert not [mark for mark in OURS if mark in said]
            assert hydrated.report.refused == 0
            assert hydrated.report.found >= 4
            # A picture or its line in each place: none is lost.
            (record,) = (await store.list_media(limit=2))[:1]
            assert said.count(record.reference.id) >= 4


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_what_another_owner_has_and_what_was_deleted_says_so_everywhere(
    store: MediaStore, provider: ProviderName
) -> None:
    theirs = await store.put(media_bytes("png"), owner="alice", alt="a secret")
    gone = await store.put(media_bytes("jpeg"))
    await store.delete(gone.id)
    for reference in (theirs, gone):
        stored = reference.to_stored()
        messages = [
            user(provider, text_block(provider, f"![a]({reference.uri})"), stored),
            user(provider, {"type": "custom", "payload": [json.dumps({"a": stored})]}),
            *tool_turn(provider, {"a": stored} if provider == "gemini" else json.dumps([stored])),
        ]
        hydrated = await hydrate(messages, store, provider=provider)
        said = as_json(hydrated.messages)
        assert reference.id not in said
        assert "secret" not in said
        assert said.count("[media not available]") == hydrated.report.refused == 4
        assert hydrated.report.shown == ()
