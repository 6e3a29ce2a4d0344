"""All pages laid out as the site's generator wants them, with its configuration."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from website.contents import Entry, navigation, places
from website.http_api import openapi_page
from website.npm_api import npm_pages
from website.pages import PagesError, Repository
from website.paths import CONFIG, PAGES, ROOT, WEBSITE
from website.python_api import python_anchors, python_pages
from website.wire_schema import schema_page

__all__ = ["Layout", "lay_out"]

CONFIGURATION: Final = WEBSITE / "zensical.toml"
# The line of the configuration that the lists in docs/ are put in the place of.
NAVIGATION: Final = "nav = []\n"
OPENAPI: Final = "reference/openapi.md"
SCHEMA: Final = "reference/wire-schema.md"
ASSETS: Final = {
    "web/app/src/favicon.svg": "assets/logo.svg",
    # What lets the search work from the file system; the generator would fetch it from elsewhere.
    "web/node_modules/iframe-worker/shim/index.js": "assets/iframe-worker.js",
    "website/theme/site.css": "assets/site.css",
    "website/theme/site.js": "assets/site.js",
}
# Linked from generated pages, which `Repository` does not read.
SPECIFICATIONS: Final = {
    "spec/openapi.yaml": "files/spec/openapi.yaml.txt",
    "spec/reference.schema.json": "files/spec/reference.schema.json",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """What was laid out, as far as the built site is compared with it.

    Attributes:
        sources: the Markdown of each page, by place, but for those that mkdocstrings fills.
        anchors: by place, the names that such a page must tell of.
    """

    sources: dict[str, str]
    anchors: dict[str, set[str]]


def lay_out() -> Layout:
    """Write every page, every file that one links to, and the configuration.

    Raises:
        PagesError: A link leads nowhere, or a page is in no list.
    """
    repository = Repository(ROOT)
    pages = {place: repository.read(name) for name, place in repository.pages.items()}
    python, npm = python_pages(), npm_pages()
    generated: dict[str, list[Entry]] = {
        "reference/python.md": [{"Python API": list(python)}],
        "reference/http.md": [OPENAPI],
        "reference/wire.md": [SCHEMA],
        "reference/npm.md": [{"npm API": list(npm)}],
    }
    entries = navigation(pages["index.md"], pages["decisions/index.md"], generated)
    pages |= npm | {OPENAPI: openapi_page(), SCHEMA: schema_page()}
    _check_listed(pages.keys() | python.keys(), list(places(entries)))

    files = repository.files | ASSETS | SPECIFICATIONS
    shutil.rmtree(PAGES, ignore_errors=True)
    for place, text in (pages | python).items():
        _write(PAGES / place, text)
    for name, place in files.items():
        _write(PAGES / place, (ROOT / name).read_bytes())
    _write(CONFIG, _configuration(entries))
    return Layout(pages, python_anchors())


def _check_listed(pages: set[str], listed: list[str]) -> None:
    if missing := sorted(pages.difference(listed)):
        raise PagesError(
            f"no list in docs/README.md or docs/decisions/README.md has {', '.join(missing)}"
        )
    if unknown := sorted(set(listed) - pages):
        raise PagesError(f"the lists in docs/ name what is no page: {', '.join(unknown)}")
    if twice := sorted({place for place in listed if listed.count(place) > 1}):
        raise PagesError(f"the lists in docs/ name twice: {', '.join(twice)}")


def _configuration(entries: list[Entry]) -> str:
    text = CONFIGURATION.read_text("utf-8")
    if NAVIGATION not in text:
        raise PagesError(f"{CONFIGURATION.name} has no line {NAVIGATION.strip()!r}")
    return text.replace(NAVIGATION, f"nav = {_toml(entries)}\n", 1)


def _toml(value: Entry | list[Entry]) -> str:
    """The entries in TOML, whose strings and arrays are JSON's; its tables are not."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return f"{{{', '.join(f'{_toml(title)} = {_toml(below)}' for title, below in value.items())}}}"


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
