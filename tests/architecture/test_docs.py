"""The documentation and the code say the same; its links lead somewhere. Blocks: `tests/docs`."""

import ast
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import typer
from httplint.field import parsers
from starlette.routing import Mount, Route, WebSocketRoute

import coatcheck
from coatcheck import errors
from coatcheck.cli import commands as library
from coatcheck.store import MediaStore
from coatcheck_chat import errors as chat_errors
from coatcheck_chat.app import create_app
from coatcheck_chat.cli import commands as chat
from coatcheck_chat.settings import Settings

ROOT: Final = Path(__file__).parents[2]
REFERENCE: Final = ROOT / "docs" / "reference"
# The folders that people write in; environments and installed packages lie beside them.
PATTERNS: Final = ("*.md", "docs/**/*.md", "spec/**/*.md", "web/*.md", "web/[!n]*/*.md")
MAX_LINE: Final = 110

FENCE: Final = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"(?:\]\(|\b(?:src|srcset|href)=\")(?P<target>[^)\"\s]+)")
HEADING: Final = re.compile(r"^(?P<level>#+) (?P<title>.*)$", re.MULTILINE)

Rows = list[list[str]]


def pages() -> list[Path]:
    return sorted({path for pattern in PATTERNS for path in ROOT.glob(pattern)})


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def rows(text: str) -> Rows:
    """The cells of every table row whose first cell begins with code."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]*)`", cell)


def sections(text: str, level: int) -> dict[str, str]:
    """The text under each heading of a level, by what the heading says."""
    plain = FENCE.sub("", text)
    found = [match for match in HEADING.finditer(plain) if len(match["level"]) <= level]
    ends = [match.start() for match in found[1:]] + [len(plain)]
    return {
        match["title"].strip("`"): plain[match.end() : end]
        for match, end in zip(found, ends, strict=True)
        if len(match["level"]) == level
    }


def read(path: Path) -> str:
    return path.read_text("utf-8")


# --- settings ------------------------------------------------------------------------------------


def test_every_setting_is_documented_with_its_default() -> None:
    text = read(REFERENCE / "settings.md")
    documented = {code(row[0])[0]: code(row[1])[0] for row in rows(text)}
    fields = {f"COATCHECK_{name.upper()}": f for name, f in Settings.model_fields.items()}
    assert documented == {name: str(f.default) for name, f in fields.items()} | {"PORT": "8787"}
    assert set(re.findall(r"COATCHECK_[A-Z_]+", text)) == set(fields)


# --- errors --------------------------------------------------------------------------------------


def classes() -> dict[str, type[errors.CoatcheckError]]:
    return {
        kind.__name__: kind
        for kind in errors.error_classes()
        if kind.__module__ in {errors.__name__, chat_errors.__name__}
    }


def test_every_error_is_documented_with_its_code_and_status() -> None:
    text = read(REFERENCE / "errors.md")
    documented = {(code(row[0])[0], code(row[1])[0], int(row[2])) for row in rows(text)}
    assert documented == {(name, k.code, k.status) for name, k in classes().items()}
    assert set(re.findall(r"\b[A-Z]\w+Error\b", text)) == set(classes())


def test_the_drawn_tree_is_the_tree() -> None:
    drawn: dict[str, tuple[str, str, int]] = {}
    pattern = re.compile(
        r"^ {4}(?P<lines>[│├└─ ]*)(?P<name>\w+Error) +(?P<code>\w+) +(?P<status>\d+)$"
    )
    for module in (errors, chat_errors):
        above = [object.__name__]
        for line in (module.__doc__ or "").splitlines():
            if match := pattern.match(line):
                depth = len(match["lines"]) // 3
                del above[depth + 1 :]
                above.append(match["name"])
                drawn[match["name"]] = (above[depth], match["code"], int(match["status"]))
    expected = {name: (k.__bases__[0].__name__, k.code, k.status) for name, k in classes().items()}
    assert drawn == expected | {"CoatcheckError": ("object", "coatcheck_error", 500)}


def test_a_message_that_is_left_out_is_the_first_sentence_of_the_class() -> None:
    messages = {name: kind().message for name, kind in classes().items()}
    assert messages["CoatcheckError"] == "Something went wrong in Coatcheck."
    assert [name for name, said in messages.items() if "\n" in said or "Args" in said] == []


# --- routes --------------------------------------------------------------------------------------


def served(routes: list[Any], prefix: str = "") -> Iterator[str]:
    for route in routes:
        match route:
            case WebSocketRoute():
                yield f"WebSocket {prefix}{route.path}"
            case Route(methods=set(methods)):
                yield from (f"{verbs} {prefix}{route.path}" for verbs in written(methods))
            case Mount(routes=list(inner)) if inner:
                yield from served(inner, prefix + route.path)
            case Mount():
                yield f"GET, HEAD {prefix}{route.path}/{{path}}"


def written(methods: set[str]) -> list[str]:
    """GET and HEAD are documented together, every other method by itself."""
    reading = [name for name in ("GET", "HEAD") if name in methods]
    return ([", ".join(reading)] if reading else []) + sorted(methods.difference(reading))


@pytest.mark.anyio
async def test_every_route_is_documented(data: Path) -> None:
    app = create_app(Settings(data=data))
    async with app.router.lifespan_context(app):
        routes = set(served(list(app.routes)))
        for path, operations in app.openapi()["paths"].items():
            routes.update(f"{verbs} {path}" for verbs in written({n.upper() for n in operations}))
    documented = sections(read(REFERENCE / "http.md"), 3)
    assert set(documented) == routes


def test_every_header_that_the_delivery_names_is_documented() -> None:
    """Those of the answers and those of the requests that decide about them."""
    known = {info.name.replace("_", "-") for info in pkgutil.iter_modules(parsers.__path__)}
    named = {
        text
        for path in (ROOT / "packages/coatcheck/src/coatcheck/delivery").glob("*.py")
        for text in constants(ast.parse(read(path)))
        if text in known or text.startswith("x-")
    }
    assert named >= {"etag", "if-none-match", "server-timing", "x-accel-redirect"}
    text = read(REFERENCE / "http.md")
    documented = {name.lower() for name in re.findall(r"`([A-Za-z-]+)[:`]", text)}
    assert named - documented == set()


def constants(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)):
                yield text.lower()
            case ast.Constant(value=bytes(raw)):
                yield raw.decode("latin-1").lower()


def test_every_http_route_has_an_example() -> None:
    text = read(REFERENCE / "http.md")
    parts = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    without = [part.splitlines()[0] for part in parts if "$ curl" not in part]
    assert without == ["`WebSocket /ws/chat`", "`WebSocket /ws/compare`"]


# --- command line --------------------------------------------------------------------------------


def options(command: Any) -> set[str]:
    parameters = [p for p in command.params if p.param_type_name == "option"]
    return {name for p in parameters for name in p.opts}


def commands(name: str, command: Any) -> Iterator[tuple[str, set[str]]]:
    yield name, options(command)
    for word, inner in getattr(command, "commands", {}).items():
        yield from commands(f"{name} {word}", inner)


def test_every_command_and_option_is_documented() -> None:
    declared = dict(commands("coatcheck", typer.main.get_command(library.app)))
    declared |= commands("coatcheck-chat", typer.main.get_command(chat.app))
    documented = {
        title: {name for row in rows(text) for name in code(row[0])}
        for title, text in sections(read(REFERENCE / "cli.md"), 2).items()
    }
    assert documented == declared


# --- Python --------------------------------------------------------------------------------------


def test_every_public_name_and_method_is_documented() -> None:
    by_title = sections(read(REFERENCE / "python.md"), 2)
    public = [code(row[0])[0] for row in rows(by_title["Public names"])]
    assert public == coatcheck.__all__
    methods = {
        name
        for name, _ in inspect.getmembers(MediaStore, inspect.isfunction)
        if not name.startswith("_")
    }
    documented = {code(row[0])[0].partition("(")[0] for row in rows(by_title["MediaStore"])}
    keywords_of_put = {"display_name", "alt", "media_type", "owner", "conversation_id", "reuse"}
    assert documented - keywords_of_put == methods
    keywords = {code(row[0])[0] for row in rows(by_title["MediaStore"])} - {
        cell for row in rows(by_title["MediaStore"]) for cell in code(row[0]) if "(" in cell
    }
    signature = inspect.signature(MediaStore.put)
    assert keywords == {n for n, p in signature.parameters.items() if p.kind is p.KEYWORD_ONLY}


# --- links ---------------------------------------------------------------------------------------


def anchors(text: str) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    titles = [match["title"].lower() for match in HEADING.finditer(FENCE.sub("", text))]
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_internal_link_leads_somewhere(page: Path) -> None:
    broken = []
    for match in LINK.finditer(FENCE.sub("", read(page))):
        target, _, anchor = match["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (anchor and anchor not in anchors(read(file))):
            broken.append(match["target"])
    assert broken == []


@pytest.mark.parametrize("page", [p for p in pages() if "web" not in p.parts], ids=name_of)
def test_lines_are_of_bounded_length(page: Path) -> None:
    lines = enumerate(read(page).splitlines(), 1)
    # Neither an element nor a row of a table can go on in the next line.
    wrappable = [(n, line) for n, line in lines if not line.lstrip().startswith(("<", "| "))]
    assert [number for number, line in wrappable if len(line) > MAX_LINE] == []


def test_every_page_is_in_an_index() -> None:
    indexed = {
        (index.parent / match["target"].partition("#")[0]).resolve()
        for index in (ROOT / "docs/README.md", ROOT / "docs/decisions/README.md")
        for match in LINK.finditer(read(index))
    }
    missing = [name_of(page) for page in (ROOT / "docs").rglob("*.md") if page not in indexed]
    assert missing == ["docs/README.md"]
