"""The tools make pictures, keep them and tell of them; what fails leaves nothing behind."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from coatcheck.errors import (
    CoatcheckError,
    EmptyMediaError,
    InvalidInputError,
    NotFoundError,
    UnprocessableMediaError,
    UnsupportedMediaError,
)
from coatcheck.reference import MediaUrls
from coatcheck.store import MediaStore
from coatcheck.workers import WorkerPool
from coatcheck_chat.agent.tools import (
    ASPECT_RATIOS,
    MAX_PROMPT,
    ImageResult,
    ToolContext,
    generate_image,
    plot,
)
from coatcheck_chat.agent.tools.generate import _finished
from coatcheck_chat.errors import GenerationError
from coatcheck_chat.painting import PAINTERS
from coatcheck_chat.providers.image import Capabilities, Draft, ImageRequest
from coatcheck_chat.providers.procedural import ProceduralProvider
from tests.media import image_bytes, png_bytes

pytestmark = pytest.mark.anyio

URLS = MediaUrls(base_url="https://cdn.example")
CONVERSATION = "9188cc90-b172-47e9-b493-4e22175bd478"


class Drafts:
    """A provider that yields what it is told to, whatever it is asked for."""

    model = "drafts"
    capabilities = Capabilities(edits=True)

    def __init__(self, *drafts: Draft | Exception) -> None:
        self._drafts = drafts
        self.asked: list[ImageRequest] = []
        self.ended = False

    async def generate(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        self.asked.append(request)
        try:
            for draft in self._drafts:
                if isinstance(draft, Exception):
                    raise draft
                yield draft
        finally:
            self.ended = True

    def edit(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        return self.generate(request)


class Sized(Drafts):
    """A provider of plain pictures in the size that is asked for."""

    async def generate(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        self.asked.append(request)
        yield Draft(data=png_bytes(request.width, request.height, request.seed), progress=1.0)


class Announced:
    """Collects what the user sees."""

    def __init__(self) -> None:
        self.parts: list[dict[str, Any]] = []

    async def __call__(self, part: dict[str, Any]) -> None:
        assert (part["type"], part["id"]) == ("data-media", "p1")
        self.parts.append(part["data"])

    @property
    def states(self) -> list[str]:
        return [data["state"] for data in self.parts]


@pytest.fixture
async def painters() -> AsyncIterator[WorkerPool]:
    pool = WorkerPool("coatcheck_chat.painting", PAINTERS)
    yield pool
    await pool.aclose()


@pytest.fixture
def context(store: MediaStore, painters: WorkerPool) -> ToolContext:
    """The real thing: the procedural provider in its worker processes."""
    return ToolContext(
        store=store,
        provider=ProceduralProvider(painters),
        painters=painters,
        urls=URLS,
        conversation_id=CONVERSATION,
        owner="somebody",
    )


@pytest.fixture
def sized(context: ToolContext) -> ToolContext:
    return replace(context, provider=Sized())


@pytest.fixture
def announced() -> Announced:
    return Announced()


async def draw(
    context: ToolContext, announced: Announced | None = None, prompt: str = "the sea", **more: Any
) -> ImageResult:
    return await generate_image(
        context, announced or Announced(), part_id="p1", prompt=prompt, **more
    )


def kept_files(data: Path) -> list[Path]:
    """Everything below the data directory but SQLite's own files, which come and go."""
    return sorted(path for path in data.rglob("*") if not path.name.startswith("catalog."))


# --- what the real provider draws ----------------------------------------------------------------


async def test_a_picture_is_drawn_kept_and_announced(
    context: ToolContext, announced: Announced, store: MediaStore
) -> None:
    result = await draw(context, announced, "a lighthouse\nat dusk", width=96, height=64, seed=7)
    reference = result.reference
    assert (reference.mime_type, reference.width, reference.height) == ("image/png", 96, 64)
    assert reference.alt == "a lighthouse at dusk"
    assert reference.display_name == "a-lighthouse-at-dusk.png"
    record = await store.record(reference.id)
    assert (record.conversation_id, record.owner) == (CONVERSATION, "somebody")
    assert announced.parts == [
        {"state": "pending", "width": 96, "height": 64, "alt": "a lighthouse at dusk"},
        {"state": "ready", "reference": reference.to_ui(URLS)},
    ]
    assert result.model == "procedural"


async def test_the_same_prompt_size_and_seed_give_the_same_picture(context: ToolContext) -> None:
    async def digest(prompt: str = "the sea", **more: Any) -> str:
        return (
            await draw(context, prompt=prompt, **({"width": 96, "height": 64} | more))
        ).reference.digest

    first = await digest(seed=7)
    assert await digest(seed=7) == first
    assert await digest(prompt="  the sea ", seed=7) == first
    assert await digest(seed=7 + 2**31) == first
    assert await digest(seed=8) != first
    assert await digest(seed=7, prompt="a desert") != first
    assert await digest(seed=7, width=97) != first
    assert await digest(seed=-1)


@pytest.mark.parametrize("prompt", ["a 灯台 at dusk, " * 100, "word " * 100, "灯" * 500])
async def test_the_caption_is_the_same_from_the_announcement_on(
    context: ToolContext, announced: Announced, prompt: str
) -> None:
    result = await draw(replace(context, provider=Drafts(FINISHED)), announced, prompt)
    assert announced.parts[0]["alt"] == result.reference.alt


async def test_without_a_seed_pictures_differ(sized: ToolContext) -> None:
    first, second = await draw(sized, width=64, height=64), await draw(sized, width=64, height=64)
    assert first.reference.digest != second.reference.digest
    assert first.reference.id != second.reference.id


# --- pictures to begin with ----------------------------------------------------------------------


async def test_a_source_is_handed_to_a_provider_that_edits(
    context: ToolContext, announced: Announced, store: MediaStore
) -> None:
    provider = Drafts(FINISHED)
    content = image_bytes("webp", 320, 200)
    source = await store.put(content, owner="somebody")
    for mode in ("auto", "edit"):
        result = await draw(
            replace(context, provider=provider), announced, "darker", source=source.id, mode=mode
        )
        assert (result.mode, result.message) == ("edit", "Image edited.")
        assert result.to_ui(URLS)["data"]["mode"] == "edit"
    request = provider.asked[-1]
    assert [(one.data, one.media_type) for one in request.sources] == [(content, "image/webp")]
    assert (request.prompt, request.width, request.height) == ("darker", 320, 200)
    assert announced.parts[0] == {"state": "pending", "width": 320, "height": 200, "alt": "darker"}
    assert provider.ended


SHAPES: list[tuple[tuple[int, int], dict[str, Any], tuple[int, int]]] = [
    ((4096, 1024), {}, (2048, 512)),
    ((10, 20), {}, (64, 64)),
    ((320, 200), {"aspect_ratio": "1:1"}, (1024, 1024)),
    ((320, 200), {"width": 100, "height": 90}, (100, 90)),
]


async def test_an_edit_has_its_source_s_shape_unless_another_is_asked_for(
    context: ToolContext, store: MediaStore
) -> None:
    for size, arguments, asked in SHAPES:
        provider = Drafts(FINISHED)
        source = await store.put(png_bytes(*size), owner="somebody")
        await draw(replace(context, provider=provider), source=source.id, **arguments)
        assert (provider.asked[0].width, provider.asked[0].height) == asked


async def test_what_a_provider_may_not_read_is_handed_to_it_as_png(
    context: ToolContext, store: MediaStore
) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 12"><rect width="9"/></svg>'
    for content in (image_bytes("gif", 96, 64), image_bytes("avif", 96, 64), svg):
        provider = Drafts(FINISHED)
        source = await store.put(content, owner="somebody")
        await draw(replace(context, provider=provider), source=source.id)
        (handed,) = provider.asked[0].sources
        assert handed.media_type == "image/png"
        assert handed.data.startswith(b"\x89PNG")


async def test_a_source_that_cannot_be_used_is_refused_before_anything_is_announced(
    context: ToolContext, announced: Announced, store: MediaStore
) -> None:
    """Attack 31 among them: another owner's picture is unknown."""
    mine = (await store.put(png_bytes(), owner="somebody")).id
    foreign = (await store.put(png_bytes(), owner="another")).id
    text = (await store.put(b"Dear diary,\n", owner="somebody")).id
    provider = Drafts(FINISHED)
    refusals: list[tuple[dict[str, Any], type[CoatcheckError], str]] = [
        ({"mode": "edit"}, InvalidInputError, "needs a source"),
        ({"mode": "generate", "source": mine}, InvalidInputError, "leave source out"),
        ({"mode": "paint"}, InvalidInputError, "auto, generate or edit"),
        ({"source": foreign}, NotFoundError, "no media under this id"),
        ({"source": CONVERSATION}, NotFoundError, "no media under this id"),
        ({"source": "../x"}, NotFoundError, "36 characters"),
        ({"source": text}, InvalidInputError, "no picture"),
    ]
    for arguments, error, told in refusals:
        with pytest.raises(error, match=told):
            await draw(replace(context, provider=provider), announced, **arguments)
    assert announced.parts == []
    assert provider.asked == []


async def test_a_provider_that_does_not_edit_names_the_tool_that_does(
    context: ToolContext, announced: Announced, store: MediaStore
) -> None:
    source = await store.put(png_bytes(), owner="somebody")
    with pytest.raises(InvalidInputError, match=r"procedural.*Call edit_image"):
        await draw(context, announced, source=source.id)
    assert announced.parts == []


# --- sizes ---------------------------------------------------------------------------------------


async def test_each_aspect_ratio_has_its_exact_size(sized: ToolContext) -> None:
    for ratio, (width, height) in ASPECT_RATIOS.items():
        announced = Announced()
        result = await draw(sized, announced, aspect_ratio=ratio)
        assert (result.reference.width, result.reference.height) == (width, height)
        assert (announced.parts[0]["width"], announced.parts[0]["height"]) == (width, height)
        across, down = (int(side) for side in ratio.split(":"))
        assert width * down == height * across


SIZES: list[tuple[dict[str, Any], tuple[int, int]]] = [
    ({}, (1024, 1024)),
    ({"aspect_ratio": None}, (1024, 1024)),
    ({"aspect_ratio": "16 : 9"}, (1280, 720)),
    ({"width": 64, "height": 2048}, (64, 2048)),
    ({"width": 300, "height": 200, "aspect_ratio": "16:9"}, (300, 200)),
    ({"width": 200}, (200, 200)),
    ({"height": 200}, (200, 200)),
    ({"width": 320, "aspect_ratio": "16:9"}, (320, 180)),
    ({"height": 180, "aspect_ratio": "16:9"}, (320, 180)),
    ({"width": 90, "aspect_ratio": "9:16"}, (90, 160)),
]


async def test_a_size_follows_from_what_is_given(context: ToolContext) -> None:
    for arguments, size in SIZES:
        provider = Drafts(GenerationError())
        with pytest.raises(GenerationError):
            await draw(replace(context, provider=provider), **arguments)
        assert (provider.asked[0].width, provider.asked[0].height) == size


UNUSABLE: list[tuple[dict[str, Any], str]] = [
    ({"prompt": ""}, "empty"),
    ({"prompt": " \n\t"}, "empty"),
    ({"prompt": "x" * (MAX_PROMPT + 1)}, "longer than 4000"),
    ({"aspect_ratio": "5:7"}, "16:9"),
    ({"aspect_ratio": "wide"}, "16:9"),
    ({"width": 63, "height": 64}, "64 to 2048"),
    ({"width": 64, "height": 2049}, "64 to 2048"),
    ({"width": 0}, "64 to 2048"),
    ({"height": 0}, "64 to 2048"),
    ({"width": -100, "height": -100}, "64 to 2048"),
    ({"width": 10**12}, "64 to 2048"),
    ({"width": 100, "aspect_ratio": "21:9"}, "64 to 2048"),
    ({"height": 2000, "aspect_ratio": "16:9"}, "64 to 2048"),
]


async def test_arguments_that_cannot_be_used_are_refused_before_anything_is_announced(
    context: ToolContext, announced: Announced
) -> None:
    provider = Drafts()
    for arguments, told in UNUSABLE:
        with pytest.raises(InvalidInputError, match=told):
            await draw(replace(context, provider=provider), announced, **arguments)
    assert announced.parts == []
    assert provider.asked == []


async def test_a_refusal_does_not_repeat_what_a_model_made_up_at_length(
    context: ToolContext,
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await draw(context, aspect_ratio="16:9" * 5000)
    assert len(caught.value.message) < 500


# --- what a provider may do wrong ----------------------------------------------------------------

FINISHED = Draft(data=png_bytes(), progress=1.0)


@pytest.mark.parametrize(
    ("drafts", "error"),
    [
        ([Draft(data=b"I am sorry, I cannot draw that.", progress=1)], UnsupportedMediaError),
        ([Draft(data=b'{"error": "quota"}', progress=1)], UnsupportedMediaError),
        ([Draft(data=b"%PDF-1.7 ", progress=1)], UnsupportedMediaError),
        ([Draft(data=b"\0\0\0\0", progress=1)], UnsupportedMediaError),
        ([Draft(data=b"", progress=1)], EmptyMediaError),
        ([Draft(data=png_bytes()[:-100], progress=1)], UnprocessableMediaError),
        ([Draft(data=image_bytes("jpeg")[:-100], progress=1)], UnprocessableMediaError),
        ([], GenerationError),
        ([Draft(data=png_bytes(), progress=0.5)], GenerationError),
        ([GenerationError("No paint left.")], GenerationError),
        ([Draft(data=png_bytes(), progress=0.5), GenerationError("Spilt.")], GenerationError),
    ],
)
async def test_what_is_no_picture_is_told_and_not_kept(
    context: ToolContext,
    announced: Announced,
    data: Path,
    drafts: Sequence[Draft | Exception],
    error: type[CoatcheckError],
) -> None:
    before = kept_files(data)
    with pytest.raises(CoatcheckError) as caught:
        await draw(replace(context, provider=Drafts(*drafts)), announced)
    assert type(caught.value) is error
    assert announced.states == ["pending", "failed"]
    assert announced.parts[1]["error"] == {"code": error.code, "message": caught.value.message}
    assert kept_files(data) == before
    assert await context.store.blob_count() == 0


async def test_drafts_before_the_picture_are_not_kept(
    context: ToolContext, announced: Announced, data: Path
) -> None:
    draft = Draft(data=png_bytes(seed=1), progress=0.5)
    result = await draw(replace(context, provider=Drafts(draft, FINISHED)), announced)
    assert result.reference.size == len(FINISHED.data)
    assert announced.states == ["pending", "ready"]
    assert await context.store.blob_count() == 2  # the picture and its thumbnail


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
async def test_a_picture_is_what_its_bytes_are(context: ToolContext, kind: str) -> None:
    provider = Drafts(Draft(data=image_bytes(kind, 200, 100), progress=1.0))
    reference = (await draw(replace(context, provider=provider))).reference
    assert (reference.mime_type, reference.width, reference.height) == (f"image/{kind}", 200, 100)


async def test_a_tool_that_is_cancelled_keeps_nothing(
    context: ToolContext, announced: Announced, data: Path
) -> None:
    before = kept_files(data)
    with anyio.move_on_after(0.2) as scope:
        await draw(context, announced, width=2048, height=2048)
    assert scope.cancelled_caught
    assert announced.states == ["pending"]
    assert kept_files(data) == before
    assert (await draw(context, announced, width=64, height=64)).reference.width == 64


async def test_a_picture_is_named_after_who_drew_it(context: ToolContext) -> None:
    for draft, model in ((FINISHED, "drafts"), (replace(FINISHED, model="another"), "another")):
        assert (await draw(replace(context, provider=Drafts(draft)))).model == model


# --- names and results ---------------------------------------------------------------------------


FILE_NAMES = [
    ("A Lighthouse, at dusk!", None, "a-lighthouse-at-dusk.png"),
    ("../../etc/passwd", None, "etc-passwd.png"),
    ("!!!", None, "picture.png"),
    ("灯台", None, "灯台.png"),
    ("word " * 100, None, "word-word-word-word-word-word-word-word-word-wor.png"),
    ("x", "mine.png", "mine.png"),
    ("x", "../../etc/passwd", "passwd"),
    ("x", 'a"\r\nb.png', 'a" b.png'),
    ("x", "\u202egnp", "gnp"),
    ("x", "", "x.png"),
]


async def test_a_file_name_comes_from_the_prompt_or_is_cleaned(context: ToolContext) -> None:
    for prompt, filename, shown in FILE_NAMES:
        provider = Drafts(FINISHED)
        result = await draw(replace(context, provider=provider), prompt=prompt, filename=filename)
        assert result.reference.display_name == shown


async def test_a_result_has_two_faces_and_both_are_small(context: ToolContext) -> None:
    prompt = ("a 灯台 at dusk, " * 250)[:MAX_PROMPT]
    result = await draw(replace(context, provider=Drafts(FINISHED)), prompt=prompt)
    ui = result.to_ui(URLS)
    assert ui["success"] is True
    shown = ui["data"]["prompt"]
    assert prompt.startswith(shown.removesuffix("…"))
    assert ui["data"] | {"timestamp": ""} == {
        "imageReference": result.reference.to_ui(URLS),
        "fullImageUrl": URLS.original(result.reference.id),
        "thumbnailUrl": URLS.thumbnail(result.reference.id),
        "prompt": shown,
        "model": "drafts",
        "mode": "generate",
        "size": "64x48",
        "message": "Image generated.",
        "timestamp": "",
    }
    assert len(json.dumps(ui, ensure_ascii=False).encode()) < 2048
    line = result.to_model()
    assert line == f"Image generated. {result.reference.to_model()}"
    assert "\n" not in line
    assert "://" not in line
    assert len(line) < 480


# --- plots ---------------------------------------------------------------------------------------


async def test_a_plot_is_drawn_kept_and_announced(
    context: ToolContext, announced: Announced
) -> None:
    result = await plot(
        context, announced, part_id="p1", expression="sin(x)/x", x_min=-20, x_max=20.5
    )
    reference = result.reference
    assert (reference.mime_type, reference.width, reference.height) == ("image/png", 1024, 768)
    assert reference.alt == "plot of sin(x)/x for x from -20 to 20.5"
    assert reference.display_name == "plot-sin-x-x.png"
    assert result.model == "matplotlib"
    assert announced.states == ["pending", "ready"]
    assert (announced.parts[0]["width"], announced.parts[0]["height"]) == (1024, 768)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"expression": ""}, "empty"),
        ({"expression": "__import__('os')"}, "may hold"),
        ({"expression": "9**9**9**9"}, "no finite value"),
        ({"expression": "x", "x_min": 1, "x_max": 0}, "interval"),
        ({"expression": "x", "x_min": float("nan")}, "interval"),
        ({"expression": "10^308*x", "x_min": -1, "x_max": 1}, "[a-z]"),
    ],
)
async def test_a_plot_that_cannot_be_drawn_says_why(
    context: ToolContext,
    announced: Announced,
    data: Path,
    arguments: dict[str, Any],
    told: str,
) -> None:
    before = kept_files(data)
    with pytest.raises(InvalidInputError, match=told):
        await plot(context, announced, part_id="p1", **arguments)
    assert announced.states == ["pending", "failed"]
    assert kept_files(data) == before


async def test_a_provider_is_closed_as_soon_as_the_picture_is_there(context: ToolContext) -> None:
    """Not when the collector finds it: an open call costs a connection, and perhaps money."""

    async def unseen(_: dict[str, Any]) -> None:
        pytest.fail("there is no draft")

    provider = Drafts(Draft(data=png_bytes(), progress=1.0), GenerationError("asked again"))
    request = ImageRequest(prompt="the sea", width=64, height=64, seed=1)
    picture = await _finished(replace(context, provider=provider), request, unseen)
    assert provider.ended
    assert picture.progress == 1
