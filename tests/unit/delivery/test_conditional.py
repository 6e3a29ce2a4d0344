"""Validators and file names in headers: right for browsers, harmless for whatever else is sent."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.delivery.conditional import content_disposition, entity_tag, is_not_modified
from coatcheck.mediatype import ALLOWED_TYPES
from coatcheck.reference import clean_display_name

ID = "9188cc90-b172-47e9-b493-4e22175bd478"
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
TAG = f'"{HEX}"'
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"

names = st.one_of(
    st.text(max_size=300),
    st.text(alphabet='"\\;=%/*\r\n\t\0 .é漢😀' + BIDI, max_size=60),
)


def disposition(name: str | None, kind: str = "inline") -> str:
    """The header for a file that was handed in under `name`."""
    cleaned = None if name is None else clean_display_name(name)
    return content_disposition(kind, cleaned, ID, "image/png")


def file_names(header: str) -> tuple[str | None, str | None]:
    """The plain and the extended file name of a header, read by the grammar of RFC 6266."""
    form = re.compile(
        r"(?:inline|attachment)"
        r'(?:; filename="(?P<plain>[A-Za-z0-9._-]+)")?'
        r"(?:; filename\*=UTF-8''(?P<extended>(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+))?"
    )
    match = form.fullmatch(header)
    assert match is not None, header
    extended = match["extended"]
    return match["plain"], None if extended is None else unquote(extended, errors="strict")


def test_an_entity_tag_is_strong_and_is_the_quoted_digest() -> None:
    assert entity_tag(f"sha-256:{HEX}") == TAG


@pytest.mark.parametrize(
    "header",
    [
        TAG,
        f"W/{TAG}",
        "*",
        " * ",
        f"  {TAG}  ",
        f'"other", {TAG}',
        f'"other",W/"more",\t{TAG}',
        f'W/"other" , W/{TAG} , "last"',
        f'"a,b", {TAG}',
        f'"", {TAG}',
        f'"\x80\xff", {TAG}',
    ],
)
def test_a_header_that_names_the_tag_matches(header: str) -> None:
    assert is_not_modified(header, TAG)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        " ",
        ",",
        '"other"',
        'W/"other"',
        HEX,
        f"w/{TAG}",
        f"W/ {TAG}",
        f"W{TAG}",
        TAG[:-1],
        TAG[1:],
        TAG.upper(),
        f"'{HEX}'",
        f'"{TAG}"',
        f'"{HEX} "',
        "**",
        "*, *",
        '"*"',
        "\0",
        f"garbage {TAG}",
        f"{TAG}garbage",
        f'"unclosed, {TAG}x',
        '"' * 5000,
        "W/" * 5000,
        " " * 5000,
    ],
)
def test_a_header_that_does_not_name_the_tag_matches_nothing(header: str | None) -> None:
    assert not is_not_modified(header, TAG)


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=200))
def test_no_header_without_the_tag_matches_or_raises(header: str) -> None:
    assert is_not_modified(header, TAG) == (header.strip() == "*")


@given(
    st.lists(st.from_regex(r'(W/)?"[\x21\x23-\x7e\x80-\xff]{0,20}"', fullmatch=True), max_size=5),
    st.integers(min_value=0),
    st.sampled_from([",", ", ", " ,\t"]),
)
def test_the_tag_is_found_anywhere_in_a_list(others: list[str], place: int, separator: str) -> None:
    assert not is_not_modified(separator.join(others), TAG)
    place %= len(others) + 1
    tags = [*others[:place], TAG, *others[place:]]
    assert is_not_modified(separator.join(tags), TAG)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("lighthouse.png", 'inline; filename="lighthouse.png"'),
        (None, f'inline; filename="{ID}.png"'),
        ('a"b\\c.png', 'inline; filename="c.png"'),
        (
            'say "cheese".png',
            "inline; filename=\"say_cheese_.png\"; filename*=UTF-8''say%20%22cheese%22.png",
        ),
        (
            'x"; filename=evil.html',
            (
                'inline; filename="x_filename_evil.html";'
                " filename*=UTF-8''x%22%3B%20filename%3Devil.html"
            ),
        ),
        (
            "a.png\r\nSet-Cookie: s=1",
            (
                'inline; filename="a.png_Set-Cookie_s_1";'
                " filename*=UTF-8''a.png%20Set-Cookie%3A%20s%3D1"
            ),
        ),
        ("\u202egnp.exe", 'inline; filename="gnp.exe"'),
        ("été.png", "inline; filename=\"t_.png\"; filename*=UTF-8''%C3%A9t%C3%A9.png"),
        ("灯台", "inline; filename*=UTF-8''%E7%81%AF%E5%8F%B0"),
        ("😀", "inline; filename*=UTF-8''%F0%9F%98%80"),
        ("50%.png", "inline; filename=\"50_.png\"; filename*=UTF-8''50%25.png"),
        ("../../etc/passwd", 'inline; filename="passwd"'),
        ("\ud800lone.png", 'inline; filename="lone.png"'),
    ],
)
def test_a_file_name_stands_in_the_header_as_rfc_6266_wants(name: str, header: str) -> None:
    assert disposition(name) == header


@pytest.mark.parametrize("name", ["", "..", "/", "\r\n", BIDI, "\0", " . "])
def test_a_name_of_which_nothing_is_left_gives_way_to_the_id(name: str) -> None:
    assert disposition(name) == f'inline; filename="{ID}.png"'


def test_a_download_is_an_attachment() -> None:
    assert disposition("a.png", "attachment") == 'attachment; filename="a.png"'


@pytest.mark.parametrize("media_type", sorted(ALLOWED_TYPES))
def test_media_without_a_name_gets_its_types_extension(media_type: str) -> None:
    plain, extended = file_names(content_disposition("inline", None, ID, media_type))
    assert plain is not None
    assert re.fullmatch(re.escape(ID) + r"\.[a-z0-9]+", plain)
    assert extended is None


@given(names)
def test_whatever_a_file_is_called_the_header_keeps_its_form(name: str) -> None:
    """Attack 29."""
    header = disposition(name)
    assert header.isascii()
    assert header.isprintable()  # neither CR nor LF nor any other control
    file_names(header)


@given(names)
def test_the_name_in_the_header_is_the_reference_s_name(name: str) -> None:
    plain, extended = file_names(disposition(name))
    assert (extended or plain) == (clean_display_name(name) or f"{ID}.png")
    assert not set(extended or "") & set(BIDI + "/\\\r\n\0")
