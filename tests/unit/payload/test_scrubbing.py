"""Notes in the place of inline media; whatever else is logged or kept stays as it is."""

import base64
import copy
import json
import logging
import logging.config
import logging.handlers
import queue
import random
import re
import textwrap
from collections import deque
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from coatcheck.payload.scanning.inline import has_inline_media
from coatcheck.payload.scrubbing import MAX_DEPTH, ScrubFilter, scrub
from tests.media import image_bytes, png_bytes

PNG = png_bytes(400, 300)
BASE64 = base64.b64encode(PNG).decode()
NOTE = f"[image/png, {len(BASE64):,} characters of base64 left out]"
LINES = "\n".join(textwrap.wrap(BASE64, 76))
NOISE = random.Random(3).randbytes(30_000)


def note(kind: str, text: str) -> str:
    return f"[{kind}, {len(text):,} characters of base64 left out]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BASE64, NOTE),
        (base64.urlsafe_b64encode(PNG).decode(), NOTE),
        (f"Look: {BASE64} nice?", f"Look: {NOTE} nice?"),
        (BASE64 + "|" + BASE64, NOTE + "|" + NOTE),
        (f"![a](data:image/png;base64,{BASE64})", f"![a]({NOTE})"),
        (f"<img src='data:image/png;base64,{BASE64}'>", f"<img src='{NOTE}'>"),
        (f"url(data:;name=x.png;charset=utf-8;BASE64,{BASE64})", f"url({NOTE})"),
        (json.dumps({"data": BASE64, "n": 1}), json.dumps({"data": NOTE, "n": 1})),
        (json.dumps(json.dumps({"data": BASE64})), json.dumps(json.dumps({"data": NOTE}))),
        (base64.b64encode(NOISE).decode(), "[40,000 characters of base64 left out]"),
    ],
    ids=range(10),
)
def test_base64_gives_way_to_a_note(text: str, expected: str) -> None:
    assert scrub(text) == expected
    assert scrub(text.encode()) == expected.encode()
    assert has_inline_media(text)
    assert not has_inline_media(expected)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "avif"])
def test_the_note_names_the_type_that_the_bytes_have(kind: str) -> None:
    content = image_bytes(kind, 900, 700, seed=5)
    text = base64.b64encode(content).decode()
    assert scrub(f"data:text/html;base64,{text}") == note(f"image/{kind}", text)
    assert scrub(content) == f"[image/{kind}, {len(content):,} bytes left out]".encode()


@pytest.mark.parametrize("break_", ["\n", "\r\n"])
@pytest.mark.parametrize("width", [60, 64, 76, 1000])
def test_base64_in_lines_gives_way_as_one(break_: str, width: int) -> None:
    lines = break_.join(textwrap.wrap(BASE64, width))
    assert scrub(lines) == note("image/png", lines)
    assert scrub(f"data:image/png;base64,{break_}{lines}") == note("image/png", lines)
    assert scrub(f"Here:{break_}{lines}{break_}{break_}Nice.") == (
        f"Here:{break_}{note('image/png', lines)}{break_}{break_}Nice."
    )


@pytest.mark.parametrize("break_", ["\n", "\r\n"])
@pytest.mark.parametrize("wrap", [json.dumps, repr, lambda text: json.dumps(json.dumps(text))])
def test_lines_that_a_string_inside_a_string_escapes_give_way(break_: str, wrap: Any) -> None:
    text = base64.b64encode(PNG + NOISE * 5).decode()
    lines = break_.join(textwrap.wrap(text, 76)) + break_
    scrubbed = scrub(wrap({"before": 1, "data": "Here" + break_ + lines, "after": "no more"}))
    assert len(scrubbed) < 200
    assert "[image/png, " in scrubbed
    for kept in ("before", "Here", "after", "no more"):
        assert kept in scrubbed


def test_escaped_slashes_are_part_of_base64() -> None:
    text = BASE64.replace("/", "\\/")  # as PHP writes JSON
    assert "\\/" in text
    assert scrub(f'{{"data":"{text}"}}') == f'{{"data":"{note("image/png", text)}"}}'


NO_MEDIA = {
    "prose": "It was a bright cold day in April, and the clocks were striking thirteen. " * 100,
    "short base64": f"data:image/png;base64,{BASE64[:4095]}",
    "hexadecimal": NOISE.hex(),
    "hashes in lines": "\n".join(NOISE[i : i + 32].hex() for i in range(0, 9600, 32)),
    "UUIDs in lines": "\n".join(["9188cc90-b172-47e9-b493-4e22175bd478"] * 200),
    "a protein": "".join(random.Random(1).choices("ACDEFGHIKLMNPQRSTVWY", k=34_350)),
    "a protein in lines": "\n".join(
        "".join(random.Random(i).choices("ACDEFGHIKLMNPQRSTVWY", k=60)) for i in range(200)
    ),
    "a rule": "-" * 5000,
    "minified code": "function(a,b){return a.b(c)&&d[e]};" * 500,
    "words in lines": "\n".join(["Apple", "Banana", "Cherry", "Date"] * 500),
    "a path": "/home/user/" * 30 + "\\n" * 3000,
    "backslashes": "\\" * 9000,
    "other alphabets": "\u00e4\u4e16\U0001f600" * 3000,
    "a lone surrogate": "\ud800" * 5000,
}


@pytest.mark.parametrize("text", NO_MEDIA.values(), ids=NO_MEDIA)
def test_what_is_no_base64_is_the_same_object(text: str) -> None:
    assert scrub(text) is text
    payload = {"a": [text, 1, None], "b": (text,)}
    assert scrub(payload) is payload


def test_of_bytes_those_that_are_no_text_give_way() -> None:
    assert scrub(NOISE) == b"[30,000 bytes left out]"
    assert scrub(bytearray(PNG)) == f"[image/png, {len(PNG):,} bytes left out]".encode()
    for kept in (b"\x00" * 100, b"plain " * 1000, b"caf\xe9 " * 1000, PNG[:3071], bytearray(b"x")):
        assert scrub(kept) is kept


def test_media_are_found_at_any_depth_and_the_rest_is_what_it_was() -> None:
    other = {"deep": [1, 2.5, True, None, "text"]}
    record = {
        "parts": [{"url": f"data:image/png;base64,{BASE64}"}, ("x", PNG, other)],
        BASE64: MappingProxyType({"y": deque([BASE64])}),
    }
    before = copy.deepcopy(record["parts"])
    scrubbed = scrub(record)
    left = f"[image/png, {len(PNG):,} bytes left out]".encode()
    assert scrubbed == {"parts": [{"url": NOTE}, ("x", left, other)], NOTE: {"y": [NOTE]}}
    assert scrubbed["parts"][1][2] is other
    assert record["parts"] == before


@dataclass
class Picture:
    name: str
    content: bytes


class Model(BaseModel):
    picture: str


class Structure(msgspec.Struct):
    pictures: list[Picture]


def test_objects_with_media_become_plain_and_others_stay() -> None:
    harmless = Picture("small", b"x")
    record = [Model(picture=BASE64), Structure([Picture("large", PNG), harmless]), harmless]
    left = f"[image/png, {len(PNG):,} bytes left out]".encode()
    assert scrub(record) == [
        {"picture": NOTE},
        {"pictures": [{"name": "large", "content": left}, harmless]},
        harmless,
    ]
    assert scrub(harmless) is harmless


def test_a_circle_ends_in_a_note() -> None:
    circle: dict[str, Any] = {"n": 1}
    circle["self"] = [circle]
    assert scrub(circle) is circle
    circle["picture"] = BASE64
    assert scrub(circle) == {"n": 1, "self": ["[circular, left out]"], "picture": NOTE}


def test_depth_and_sharing_are_bounded() -> None:
    deep: Any = [BASE64]
    for _ in range(MAX_DEPTH - 1):
        deep = [deep]
    assert json.dumps(scrub(deep)).count(NOTE) == 1
    for _ in range(100_000):
        deep = [deep]
    assert json.dumps(scrub(deep)) == f'{"[" * 64}"[nested too deep, left out]"{"]" * 64}'
    shared: Any = [BASE64]
    for _ in range(60):
        shared = {"a": shared, "b": shared}  # 2^60 ways to the picture
    scrubbed = scrub(shared)
    while scrubbed != [NOTE]:
        assert scrubbed["a"] is scrubbed["b"]
        scrubbed = scrubbed["a"]
    clean: Any = []
    for _ in range(100_000):
        clean = [clean, clean]
    assert scrub(clean) is clean
    while deep and isinstance(deep, list):  # freed level by level, not by recursion
        deep = deep[0]
    while clean:
        clean = clean[0]


class Hostile(dict[str, Any]):
    """Fails whatever is asked of it."""

    def keys(self) -> Any:
        raise RuntimeError("no keys")

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


@dataclass
class Lazy:
    """Loses its field."""

    field: str = "x"

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_a_foreign_object_that_fails_is_left_as_it_is() -> None:
    lazy, hostile = Lazy(), MappingProxyType(Hostile(x=BASE64))
    record = [lazy, BASE64, hostile]
    assert scrub(record)[1] == NOTE
    assert scrub(record)[0] is lazy


texts = st.one_of(
    st.text(max_size=40),
    st.sampled_from([BASE64[:4095], "\n", "\\n", "data:image/png;base64,", "=", "\\/"]),
)
dirty = st.one_of(
    texts,
    st.sampled_from([BASE64, LINES, LINES.replace("\n", "\\n"), BASE64.replace("/", "\\/")]),
)


@given(st.lists(dirty, max_size=8))
def test_scrubbing_twice_is_scrubbing_once(pieces: list[str]) -> None:
    once = scrub({"text": "".join(pieces), "pieces": pieces})
    assert scrub(once) is once
    assert not re.search(r"[A-Za-z0-9+/_-]{4096}", once["text"])


@given(st.recursive(texts | st.integers() | st.none() | st.binary(), st.lists, max_leaves=20))
def test_what_has_no_long_run_is_the_same_object(payload: Any) -> None:
    assert scrub(payload) is payload


@given(st.text(max_size=30), st.text(max_size=30), st.booleans())
def test_what_stands_around_a_run_is_kept(before: str, after: str, lines: bool) -> None:
    scrubbed = scrub(f"{before}\t{LINES if lines else BASE64}\t{after}")
    assert scrubbed == f"{before}\t{note('image/png', LINES if lines else BASE64)}\t{after}"


# --- logging -------------------------------------------------------------------------------------


class JSONFormatter(logging.Formatter):
    """Writes every attribute of a record, as JSON formatters do."""

    def format(self, record: logging.LogRecord) -> str:
        attributes = dict(vars(record)) | {"message": record.getMessage()}
        if record.exc_info:
            attributes["exc_info"] = self.formatException(record.exc_info)
        return json.dumps(attributes, default=str)


class Kept(logging.Handler):
    """Keeps what it writes, in two formats."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.lines += [logging.Formatter().format(record), JSONFormatter().format(record)]


@pytest.fixture
def kept() -> Kept:
    handler = Kept()
    handler.addFilter(ScrubFilter())
    return handler


@pytest.fixture
def logger(kept: Kept) -> logging.Logger:
    logger = logging.Logger("a.b")  # noqa: LOG001 - not one that the next test gets as well
    logger.addHandler(kept)
    return logger


def assert_clean(kept: Kept, mention: str = "image/png") -> None:
    for line in kept.lines:
        assert not has_inline_media(line)
        assert mention in line
    assert len(kept.lines) == 2 * len(kept.records) > 0


class Shown:
    """An object that nothing is known of but its text."""

    def __repr__(self) -> str:
        return f"<shown {BASE64}>"


def test_messages_and_their_arguments_are_scrubbed(logger: logging.Logger, kept: Kept) -> None:
    logger.warning(f"got {BASE64}")  # noqa: G004 - what people write
    logger.warning("got %s of %d", BASE64, 7)
    logger.warning("got %(picture)s", {"picture": BASE64})
    logger.warning("got %r", PNG)
    logger.warning("got %s", {"output": [BASE64]})
    logger.warning("got %s", Picture("x", PNG))
    logger.warning(Shown())
    logger.warning({"event": "got", "picture": BASE64})
    logger.warning("got %s", [Shown()])
    logger.warning("got %s", Shown())
    assert_clean(kept, "left out]")
    assert kept.records[1].args == (NOTE, 7)
    assert kept.records[1].msg == "got %s of %d"
    assert kept.records[-1].getMessage() == f"got <shown {NOTE}>"


def test_ordinary_records_are_not_touched(logger: logging.Logger, kept: Kept) -> None:
    shown = Picture("small", b"x")
    logger.warning("%s asked for %d, %s", "someone", 3, shown, extra={"user": shown, "n": [1]})
    (record,) = kept.records
    assert (record.msg, record.args) == ("%s asked for %d, %s", ("someone", 3, shown))
    assert vars(record)["user"] is shown


def fail(text: str) -> None:
    empty: dict[str, str] = {}
    try:
        empty[text]
    except KeyError as error:
        raise ValueError(f"cannot read {text}") from error


def test_tracebacks_and_stacks_are_scrubbed(logger: logging.Logger, kept: Kept) -> None:
    try:
        fail(BASE64)
    except ValueError:
        logger.exception("failed")
    logger.handle(logging.makeLogRecord({"levelno": 30, "exc_text": BASE64, "stack_info": BASE64}))
    assert_clean(kept)
    assert "ValueError: cannot read [image/png" in kept.lines[0]
    assert "direct cause" in kept.lines[0]


def test_an_ordinary_traceback_stays(logger: logging.Logger, kept: Kept) -> None:
    try:
        fail("the input")
    except ValueError:
        logger.exception("failed", stack_info=True)
    (record,) = kept.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ValueError)


def test_extra_attributes_are_scrubbed(logger: logging.Logger, kept: Kept) -> None:
    given = {"output": {"parts": [BASE64, PNG]}}
    extra = {"tool": given, "model": Model(picture=BASE64), "text": BASE64}
    logger.warning("called", extra=extra)
    assert_clean(kept, "called")
    assert kept.lines[1].count("image/png") == 4
    assert given == {"output": {"parts": [BASE64, PNG]}}  # what was handed in is not changed


def test_a_record_that_cannot_be_formatted_is_left_to_the_handler(
    logger: logging.Logger, kept: Kept
) -> None:
    kept.emit = kept.records.append  # type: ignore[assignment] # as a queue would take it
    logger.warning("%d", Hostile())
    logger.warning("%d", "no number", extra={"hostile": Hostile(), "lazy": Lazy()})
    logger.handle(logging.makeLogRecord({"levelno": 30, "exc_info": ("no", "exception")}))
    assert len(kept.records) == 3


def test_it_works_from_a_configuration_and_before_a_queue(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"scrub": {"()": "coatcheck.payload.scrubbing.ScrubFilter"}},
            "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["scrub"]}},
            "loggers": {"coatcheck.test": {"handlers": ["console"], "propagate": False}},
        }
    )
    logging.getLogger("coatcheck.test.child").error("got %s", BASE64)
    assert capsys.readouterr().err == f"got {NOTE}\n"
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler = logging.handlers.QueueHandler(records)
    handler.addFilter(ScrubFilter())
    handler.handle(logging.makeLogRecord({"msg": "got %s", "args": (BASE64,)}))
    assert records.get().getMessage() == f"got {NOTE}"
