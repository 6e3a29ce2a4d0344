import io
import json
import wave
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.mediatype import (
    ALLOWED_TYPES,
    SNIFF_BYTES,
    claims_image,
    declares_document_type,
    extension_for,
    sniff,
)
from tests.media import image_bytes


def wav() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(100))
    return buffer.getvalue()


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "a")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        *[(image_bytes(kind), f"image/{kind}") for kind in ("png", "jpeg", "webp", "gif", "avif")],
        (wav(), "audio/wav"),
        (b"ID3\x04" + bytes(20), "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + bytes(20), "audio/mpeg"),
        (b"OggS\x00\x02" + bytes(20), "audio/ogg"),
        (b"fLaC" + bytes(20), "audio/flac"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(12), "video/mp4"),
        (b"\x00\x00\x00\x18ftypM4A " + bytes(12), "audio/mp4"),
        (b"\x00\x00\x00\x14ftypqt  " + bytes(8), "video/quicktime"),
        (b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avifmiaf", "image/avif"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm" + bytes(20), "video/webm"),
        (b"%PDF-1.7\n", "application/pdf"),
        (zipped(), "application/zip"),
        (b'{"a": [1, 2]}', "application/json"),
        (b"[]", "application/json"),
        (b"{not json}", "text/plain"),
        (b"plain words\n", "text/plain"),
        ("Grüße, 灯台".encode(), "text/plain"),
        (("é" * SNIFF_BYTES).encode()[: SNIFF_BYTES - 1] + b"\xc3", "text/plain"),
        (json.dumps(list(range(5000))).encode()[:SNIFF_BYTES], "application/json"),
    ],
)
def test_content_of_an_accepted_type_is_known(content: bytes, media_type: str) -> None:
    assert sniff(content[:SNIFF_BYTES]) == media_type


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"   \n",
        b"\x00\x01\x02\x03",
        b"II*\x00" + bytes(20),  # TIFF
        b"MM\x00*" + bytes(20),
        b"BM" + bytes(20),  # BMP
        b"\x7fELF" + bytes(20),
        b"MZ" + bytes(20),
        b"RIFF\x00\x00\x00\x00AVI ",
        b"\x00\x00\x00\x18ftypheic" + bytes(12),
        b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1heicmiaf",
        b"\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska" + bytes(20),
        b"\xff\xfe" + "utf-16".encode("utf-16-le"),
        b"caf\xe9 in latin-1",
        b"\x89PNG\r\n",  # cut within the signature
    ],
)
def test_content_of_no_accepted_type_is_unknown(content: bytes) -> None:
    assert sniff(content) is None


@given(st.binary(max_size=SNIFF_BYTES))
def test_sniffing_never_fails_and_never_invents_a_type(content: bytes) -> None:
    assert sniff(content) in ALLOWED_TYPES | {None}


def test_deeply_nested_json_is_text_at_worst() -> None:
    assert sniff(b"[" * (SNIFF_BYTES - 1)) == "text/plain"


@pytest.mark.parametrize(
    ("name", "declared", "claims"),
    [
        ("sea.PNG", None, True),
        ("sea.svg", None, True),
        ("sea.svgz", None, True),
        ("sea.tiff", None, True),
        ("sea.txt", "image/png", True),
        ("sea.txt", " Image/X-Unknown", True),
        ("sea.txt", "text/plain", False),
        (None, None, False),
        ("png", None, False),
    ],
)
def test_a_name_or_a_declared_type_claims_an_image(
    name: str | None, declared: str | None, claims: bool
) -> None:
    assert claims_image(name, declared) is claims


@pytest.mark.parametrize(
    "content",
    [
        b"<svg/>",
        b"<svg>",
        b'<svg xmlns="http://www.w3.org/2000/svg">',
        b"\xef\xbb\xbf<svg\n>",
        b'<?xml version="1.0"?>\r\n<!-- a > b --><?pi x?>\n\t<svg width="1">',
        b"<svg:svg xmlns:svg='http://www.w3.org/2000/svg'/>",
        b"<svg>" + "é".encode() * SNIFF_BYTES,
        b"<!-- <html> --><svg><script>alert(1)</script></svg>",
    ],
)
def test_an_svg_is_known_by_its_root(content: bytes) -> None:
    head = content[:SNIFF_BYTES]
    assert sniff(head) == "image/svg+xml"
    assert not declares_document_type(head)


@pytest.mark.parametrize(
    "prologue",
    [
        b"<!DOCTYPE svg>",
        b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/x.dtd">',
        b'<?xml version="1.0"?><!-- --><!DOCTYPE svg [<!ENTITY a "b"><!ENTITY c "]">] >\n',
        b"<!DOCTYPE lolz [ <!ENTITY lol 'lol'> ]><!-- -->",
    ],
)
def test_a_document_type_before_the_root_is_seen(prologue: bytes) -> None:
    """Attack 17."""
    assert sniff(prologue + b"<svg>&lol;</svg>") == "image/svg+xml"
    assert declares_document_type(prologue + b"<svg>&lol;</svg>")


@pytest.mark.parametrize(
    "content",
    [
        b"<svgx/>",
        b"<SVG>",
        b"x<svg/>",
        b"&#60;svg/>",
        b"<html><svg/></html>",
        b"<!DOCTYPE html><html><svg/></html>",
        b"<!doctype html><svg/>",
        b"<?xml version='1.0'?><rss/>",
        b"<!-- <svg/> -->",
        b"<!-- <svg/>",
        b"<!--" + b" " * SNIFF_BYTES + b"--><svg/>",  # too late to be seen
    ],
)
def test_html_and_other_xml_are_text(content: bytes) -> None:
    """Attack 18."""
    assert sniff(content[:SNIFF_BYTES]) == "text/plain"
    assert not declares_document_type(content[:SNIFF_BYTES])


@pytest.mark.parametrize(
    "unit", ["<!---->", "<??>", " ", "<!DOCTYPE ", "<!DOCTYPE a[", "]>", "<!--", "<!DOCTYPE a>"]
)
def test_an_opening_of_nothing_but_xml_s_preliminaries_is_text(unit: str) -> None:
    opening = (unit * SNIFF_BYTES)[:SNIFF_BYTES].encode()
    assert sniff(opening) == ("text/plain" if unit.strip() else None)
    assert sniff(b"<!DOCTYPE a[" + opening[:-12]) == "text/plain"


def test_every_accepted_type_has_an_extension() -> None:
    assert all(extension_for(media_type).startswith(".") for media_type in ALLOWED_TYPES)
    assert extension_for("application/x-unknown") == ""
