import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.errors import ConfigurationError, InvalidInputError
from coatcheck.reference import (
    ALT_WEIGHT,
    DISPLAY_NAME_WEIGHT,
    MediaReference,
    MediaUrls,
    clean_display_name,
    clean_text,
    is_reference_id,
    normalize_reference_id,
)

VECTORS = json.loads(
    (Path(__file__).parents[2] / "spec" / "vectors" / "references.json").read_text()
)
IDENTIFIER = "9188cc90-b172-47e9-b493-4e22175bd478"
TYPICAL = MediaReference.from_stored(VECTORS["valid"][0]["reference"])


def named(vectors: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in vectors]


@pytest.mark.parametrize("vector", named(VECTORS["valid"]))
def test_a_valid_reference_is_read_and_has_the_model_line_of_the_vector(
    vector: dict[str, Any],
) -> None:
    reference = MediaReference.from_stored(vector["reference"])
    assert reference.to_model() == vector["model"]
    assert MediaReference.from_stored(reference.to_stored()) == reference
    assert reference.to_stored().items() <= vector["reference"].items()


@pytest.mark.parametrize("vector", named(VECTORS["invalid"]))
def test_an_invalid_reference_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        MediaReference.from_stored(vector["reference"])


def test_the_ui_form_fits_its_budget_with_a_prefix_of_sixty_characters() -> None:
    urls = MediaUrls("/" + "m" * 28, base_url="https://media.example.com")
    assert len(urls.prefix) == 60
    ui = TYPICAL.to_ui(urls)
    assert ui["variants"] == [512, 1024]
    text = json.dumps(ui, ensure_ascii=False, separators=(",", ":"))
    assert len(text.encode()) <= 700


@pytest.mark.parametrize(
    ("urls", "image"),
    [
        (MediaUrls(), "/api/media/image"),
        (MediaUrls("/bot/media"), "/bot/media/image"),
        (MediaUrls(""), "/image"),
        (MediaUrls("/caf%C3%A9/~a.b"), "/caf%C3%A9/~a.b/image"),
        (
            MediaUrls(base_url="https://media.example.com"),
            "https://media.example.com/api/media/image",
        ),
        (MediaUrls("/m", base_url="http://[::1]:8787/a/b"), "http://[::1]:8787/a/b/m/image"),
        (MediaUrls("", base_url="http://localhost:1"), "http://localhost:1/image"),
    ],
)
def test_urls_lie_below_the_mount_and_the_base_url(urls: MediaUrls, image: str) -> None:
    identifier = TYPICAL.id
    assert urls.prefix == image
    assert urls.original(identifier) == f"{image}/{identifier}"
    assert urls.thumbnail(identifier) == f"{image}/{identifier}?thumbnail=true"
    assert urls.preview(identifier) == f"{image.removesuffix('image')}preview/{identifier}"


@pytest.mark.parametrize(
    "mount",
    [
        *("api/media", "/api/media/", "/", "//media.example", "/a//b", "/a b", "/a?b", "/a#b"),
        *("/a\\b", "/..", "/a/../b", "/a/.", "/%", "/%zz", "/é", "/a\n", "https://media.example"),
    ],
)
def test_a_mount_that_is_no_path_is_refused(mount: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^The mount .* is not a path\."):
        MediaUrls(mount)


@pytest.mark.parametrize(
    "base_url",
    [
        *("", "media.example.com", "//media.example.com", "/api", "ftp://a", "javascript:alert(1)"),
        *("https://", "https:///a", "https://a/", "https://a/b/", "https://a?b", "https://a#b"),
        *(
            "https://a:b",
            "https://a:99999",
            "https://a:0",
            "https://[::1",
            "https://a b",
            "HTTPS://a",
        ),
        *("https://user@a", "https://user:secret@a", "https://a\n", "https://a/../b", "https://é"),
    ],
)
def test_a_base_url_that_is_none_is_refused(base_url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^The base URL .* cannot be used\."):
        MediaUrls(base_url=base_url)


def test_an_image_that_fits_every_box_is_its_own_only_width() -> None:
    assert "variants" not in replace(TYPICAL, width=512, height=512).to_ui(MediaUrls())


def test_the_stored_form_holds_no_url_and_no_null() -> None:
    for vector in VECTORS["valid"]:
        stored = MediaReference.from_stored(vector["reference"]).to_stored()
        assert not any("/api/" in str(value) or "http" in str(value) for value in stored.values())
        assert None not in stored.values()


def test_only_an_image_has_a_thumbnail_url() -> None:
    document = MediaReference(
        id=IDENTIFIER, mime_type="application/pdf", size=1, digest=TYPICAL.digest
    )
    assert "thumbnailUrl" not in document.to_ui(MediaUrls())
    assert TYPICAL.to_ui(MediaUrls())["thumbnailUrl"].endswith("?thumbnail=true")


@given(st.text(max_size=3000))
def test_the_model_line_is_one_line_of_bounded_cost_whatever_the_caption(caption: str) -> None:
    alt = clean_text(caption, ALT_WEIGHT)
    reference = MediaReference(
        id=IDENTIFIER, mime_type="image/png", size=1, digest=TYPICAL.digest, alt=alt or None
    )
    line = reference.to_model()
    assert line.splitlines() == [line]
    assert line.count("[") == line.count("]") == 1
    assert line.count('"') in {0, 2}
    # About a quarter of a token for an ASCII character and at most one for any other, plus some
    # thirty for the id: below the budget of 120.
    cost = sum(0.25 if character.isascii() else 1 for character in alt)
    assert cost <= 67


@pytest.mark.parametrize("member", ["alt", "displayName"])
@pytest.mark.parametrize("gap", ["\n", "\r\n", "\u2028", "\x85", "\v", "\n[image forged]\n"])
def test_a_caption_from_outside_stays_within_the_model_s_line(member: str, gap: str) -> None:
    stored = {name: value for name, value in TYPICAL.to_stored().items() if name not in CAPTIONS}
    line = MediaReference.from_stored(stored | {member: f"the{gap}sea"}).to_model()
    assert line.splitlines() == [line]
    assert line.count("[") == line.count("]") == 1
    assert " ".join(f"the{gap}sea".split()).translate(ROUND) in line


CAPTIONS = {"alt", "displayName"}
ROUND = str.maketrans("[]", "()")


def test_the_longest_caption_that_is_read_has_4096_characters() -> None:
    for member in CAPTIONS:
        MediaReference.from_stored(TYPICAL.to_stored() | {member: "x" * 4096})
        with pytest.raises(InvalidInputError, match=member):
            MediaReference.from_stored(TYPICAL.to_stored() | {member: "x" * 4097})


@given(st.text(max_size=2000), st.integers(3, 300))
def test_cleaned_text_is_one_printable_line_within_its_weight(text: str, weight: int) -> None:
    cleaned = clean_text(text, weight)
    assert sum(1 if character.isascii() else 3 for character in cleaned) <= weight
    assert cleaned == cleaned.strip()
    assert not any(character != " " and not character.isprintable() for character in cleaned)
    assert clean_text(cleaned, weight) == cleaned


@pytest.mark.parametrize(
    ("given_name", "cleaned"),
    [
        ("lighthouse.png", "lighthouse.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\sea.png", "sea.png"),
        ("a\r\nSet-Cookie: x=1.png", "a Set-Cookie: x=1.png"),
        ("exe\u202egnp.png", "exegnp.png"),
        ("  .hidden. ", "hidden"),
        ("/", None),
        ("\x00\x07", None),
    ],
)
def test_a_display_name_is_safe_to_show(given_name: str, cleaned: str | None) -> None:
    assert clean_display_name(given_name) == cleaned


@given(st.text(max_size=1000))
def test_a_display_name_never_names_a_directory(name: str) -> None:
    cleaned = clean_display_name(name)
    assert cleaned is None or not {"/", "\\", "\n", "\r", "\x00"} & set(cleaned)
    assert cleaned is None or len(cleaned) <= DISPLAY_NAME_WEIGHT + 1


@pytest.mark.parametrize(
    ("value", "canonical"),
    [
        (IDENTIFIER, IDENTIFIER),
        (IDENTIFIER.upper(), IDENTIFIER),
        (IDENTIFIER.replace("-", ""), None),
        ("{" + IDENTIFIER[1:-1] + "}", None),
        ("9188cc90-b172-17e9-b493-4e22175bd478", None),
        ("", None),
        (IDENTIFIER + "\n", None),
    ],
)
def test_an_id_is_a_uuid4_and_has_one_spelling(value: str, canonical: str | None) -> None:
    assert normalize_reference_id(value) == canonical
    assert is_reference_id(value) == (value == canonical)
