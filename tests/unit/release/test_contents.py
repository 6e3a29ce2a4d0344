"""What is missing from an archive, or should not be in it, is named."""

import gzip
import json
from typing import Any

import pytest

from release.contents import assets_of, inspect_npm, inspect_sdist, inspect_wheel, targets_of
from release.failure import CheckFailedError

HTML = b'<link href="/assets/a.css"><script type="module" src="/assets/a.js"></script>'
TEXTS = {
    "index.html": HTML,
    "components.html": HTML,
    "media-worker.js": b"",
    "assets/a.css": b"",
    "assets/a.js": b"",
    "assets/later.js": b"",
}
PAGE = {
    **TEXTS,
    **{f"{name}.br": b"brotli" for name in TEXTS},
    **{f"{name}.gz": gzip.compress(content) for name, content in TEXTS.items()},
    "assets/lake.webp": b"RIFF",
}
# What no entry names may be left out together with what was compressed of it.
UNNAMED = ("assets/later.js", "assets/lake.webp")
TRACKED = [
    "pyproject.toml",
    "packages/coatcheck/src/coatcheck/__init__.py",
    "packages/coatcheck-chat/pyproject.toml",
    "packages/coatcheck-chat/src/coatcheck_chat/__init__.py",
    "packages/coatcheck-chat/src/coatcheck_chat/py.typed",
    "tests/test_a.py",
]
CHAT = "coatcheck-chat"
INFO = "coatcheck_chat-1.0.0.dist-info"


def wheel() -> dict[str, bytes]:
    described = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    return {
        "coatcheck_chat/__init__.py": b"",
        "coatcheck_chat/py.typed": b"",
        **{f"coatcheck_chat/page/{name}": content for name, content in PAGE.items()},
        **{f"{INFO}/{name}": b"" for name in described},
    }


def sdist() -> dict[str, bytes]:
    below = "packages/coatcheck-chat/"
    own = {name.removeprefix(below): b"" for name in TRACKED if name.startswith(below)}
    page = {f"src/coatcheck_chat/page/{name}": content for name, content in PAGE.items()}
    return {**own, **page, "PKG-INFO": b""}


def package(**fields: Any) -> dict[str, bytes]:
    said: dict[str, Any] = {
        "name": "coatcheck",
        "version": "1.0.0",
        "description": "…",
        "license": "Apache-2.0",
        "type": "module",
        "files": ["dist"],
        "sideEffects": False,
        "exports": {".": {"types": "./dist/index.d.ts", "default": "./dist/index.js"}},
    }
    return {
        "package.json": json.dumps(said | fields).encode(),
        "README.md": b"",
        "LICENSE": b"free",
        "dist/index.js": b"",
        "dist/index.d.ts": b"",
    }


def test_whole_archives_pass() -> None:
    inspect_wheel(wheel(), TRACKED, CHAT)
    inspect_sdist(sdist(), TRACKED, CHAT)
    inspect_npm(package(), b"free")


@pytest.mark.parametrize(
    "name", [n for n in wheel() if n != f"{INFO}/WHEEL" and not n.endswith(UNNAMED)], ids=str
)
def test_a_wheel_without_a_file_is_refused(name: str) -> None:
    files = wheel()
    del files[name]
    with pytest.raises(CheckFailedError, match=name.split("/", 1)[1].removeprefix("page/")):
        inspect_wheel(files, TRACKED, CHAT)


@pytest.mark.parametrize("name", ["tests/test_a.py", "coatcheck_chat/.env", "node_modules/x.js"])
def test_a_wheel_with_a_stray_file_is_refused(name: str) -> None:
    with pytest.raises(CheckFailedError, match=f"holds {name}"):
        inspect_wheel({**wheel(), name: b""}, TRACKED, CHAT)


@pytest.mark.parametrize(
    "name", [name for name in sdist() if name != "PKG-INFO" and not name.endswith(UNNAMED)]
)
def test_an_sdist_without_a_file_is_refused(name: str) -> None:
    files = sdist()
    del files[name]
    with pytest.raises(CheckFailedError, match=name.removeprefix("src/coatcheck_chat/page/")):
        inspect_sdist(files, TRACKED, CHAT)


def test_a_page_that_was_compressed_before_it_was_changed_is_refused() -> None:
    name = "coatcheck_chat/page/assets/later.js"
    with pytest.raises(CheckFailedError, match=r"later\.js\.gz is not assets/later\.js compressed"):
        inspect_wheel({**wheel(), name: b"changed"}, TRACKED, CHAT)


def test_the_library_has_no_page() -> None:
    described = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    files = {f"coatcheck-1.0.0.dist-info/{name}": b"" for name in described}
    files["coatcheck/__init__.py"] = b""
    inspect_wheel(files, TRACKED, "coatcheck")
    with pytest.raises(CheckFailedError, match="lacks"):
        inspect_sdist({"PKG-INFO": b""}, TRACKED, "coatcheck")


def test_an_sdist_with_a_stray_file_is_refused() -> None:
    with pytest.raises(CheckFailedError, match=r"holds node_modules/a\.js"):
        inspect_sdist({**sdist(), "node_modules/a.js": b""}, TRACKED, CHAT)


@pytest.mark.parametrize("name", list(package()))
def test_an_npm_package_without_a_file_is_refused(name: str) -> None:
    files = package()
    del files[name]
    with pytest.raises(CheckFailedError, match=r"LICENSE|README|package\.json|dist/index"):
        inspect_npm(files, b"free")


@pytest.mark.parametrize("name", ["src/index.ts", "test/a.test.ts", "node_modules/x.js", ".npmrc"])
def test_an_npm_package_with_a_stray_file_is_refused(name: str) -> None:
    with pytest.raises(CheckFailedError, match="npm packs"):
        inspect_npm({**package(), name: b""}, b"free")


def test_an_npm_package_that_cannot_be_published_is_refused() -> None:
    with pytest.raises(CheckFailedError, match="private"):
        inspect_npm(package(private=True), b"free")
    with pytest.raises(CheckFailedError, match="another LICENSE"):
        inspect_npm(package(), b"other")
    files = package()
    said = json.loads(files["package.json"])
    del said["license"]
    with pytest.raises(CheckFailedError, match="does not say license"):
        inspect_npm({**files, "package.json": json.dumps(said).encode()}, b"free")
    with pytest.raises(CheckFailedError, match="Without types: dist/more"):
        inspect_npm({**files, "dist/more.js": b""}, b"free")


def test_every_target_of_the_exports_is_found() -> None:
    exports = {".": {"types": "a", "node": {"import": "b"}, "default": "c"}, "./styles.css": "d"}
    assert list(targets_of(exports)) == ["a", "b", "c", "d"]


def test_a_page_that_names_nothing_was_not_built() -> None:
    assert assets_of(HTML.decode()) == {"assets/a.css", "assets/a.js"}
    with pytest.raises(CheckFailedError, match="no assets"):
        assets_of('<script src="/src/main.tsx"></script>')
