"""What is looked through in a message, and what is shown of a hit."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.media_part import failed, media_part, pending, ready
from coatcheck.reference import MediaReference
from coatcheck_chat.errors import GenerationError
from coatcheck_chat.history.searching import (
    MAX_SEARCHED,
    fold,
    message_text,
    referenced_media,
    search_terms,
    snippet,
)

SEA = MediaReference(
    id="9188cc90-b172-47e9-b493-4e22175bd478",
    mime_type="image/png",
    size=1,
    digest="sha-256:" + "0" * 64,
    display_name="sea.png",
    alt="the sea",
).to_stored()


def message(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"id": "m", "role": "assistant", "parts": list(parts)}


def test_words_prompts_and_captions_are_looked_through_and_nothing_else() -> None:
    tool = {
        "type": "tool-generate_image",
        "input": {"prompt": "a wave", "seed": 7, "aspect_ratio": "16:9"},
        "output": {"success": True, "data": {"imageReference": SEA, "model": "procedural"}},
    }
    searched = message(
        {"type": "step-start"},
        {"type": "reasoning", "text": "The user wants water."},
        tool,
        media_part("p", ready(SEA)),
        media_part("q", pending(width=1, height=1, alt="pending")),
        media_part("r", failed(GenerationError())),
        {"type": "tool-plot", "input": {"expression": "sin(x)", "title": "Waves"}},
        {"type": "tool-other", "input": "not an object"},
        {"type": "text", "text": "Here it is."},
        {"type": "text"},
    )
    assert message_text(searched).splitlines() == [
        *("a wave", "the sea", "sea.png", "sin(x)", "Waves", "Here it is."),
    ]
    assert referenced_media(searched) == {SEA["id"]}


def test_what_only_looks_like_a_reference_is_none() -> None:
    forged = [{"type": "media_reference", "id": identifier} for identifier in ("x", 7, None)]
    assert referenced_media(message({"type": "tool-x", "output": forged})) == frozenset()


def test_a_very_long_message_is_looked_through_in_part() -> None:
    assert len(message_text(message({"type": "text", "text": "x" * 60_000}))) == MAX_SEARCHED


def marked(pieces: list[dict[str, Any]]) -> str:
    return "".join(f"[{p['text']}]" if p.get("match") else p["text"] for p in pieces)


@pytest.mark.parametrize(
    ("text", "query", "shown"),
    [
        ("draw a lighthouse", "house", "draw a light[house]"),
        ("Draw a LIGHTHOUSE", "light a", "Dr[a]w [a] [LIGHT]HOUSE"),
        ("aa aaa", "aa a", "[aa] [aa][a]"),
        ("ein Straßenfest", "strasse", "ein [Straße]nfest"),
        ("un cafe\u0301 noir", "café", "un [cafe]\u0301 noir"),
        ("灯台を描いて", "灯台", "[灯台]を描いて"),
        ("one\n  two", "one two", "[one] [two]"),
        ("<b>bold</b> & more", "bold", "<b>[bold]</b> & more"),
        ("nothing here", "missing", "nothing here"),
        ("", "x", ""),
    ],
)
def test_hits_are_marked(text: str, query: str, shown: str) -> None:
    assert marked(snippet(text, search_terms(query))) == shown


def test_a_long_text_is_cut_around_the_first_hit() -> None:
    words = " ".join(f"word{number}" for number in range(400))
    shown = marked(snippet(words, ("word200",)))
    assert shown.startswith("…word")
    assert shown.endswith("…")
    assert "[word200]" in shown[:50]
    assert len(shown) <= 120 + len("……[]")
    assert marked(snippet(words, ("word399",))).endswith("[word399]")
    assert marked(snippet(words, ("word0",))).startswith("[word0] word1 ")


@given(st.text(max_size=400), st.text(max_size=12))
def test_a_snippet_is_a_piece_of_the_text_whatever_is_searched(text: str, query: str) -> None:
    terms = search_terms(query)
    pieces = snippet(text, terms)
    inner = "".join(piece["text"] for piece in pieces)
    line = " ".join(text.split())
    assert inner.strip("…") in line or inner in line or inner[1:-1] in line
    for piece in pieces:
        if piece.get("match"):
            assert any(term.startswith(fold(piece["text"])) for term in terms)
    if terms and all(term in fold(line) for term in terms):
        assert any(piece.get("match") for piece in pieces)
