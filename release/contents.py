"""What has to be in an archive, and that nothing else is. Pure."""

import gzip
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from release.failure import CheckFailedError

_PAGE: Final = "coatcheck_chat/page/"
_ENTRIES: Final = ("index.html", "components.html")
_COMPRESSED: Final = (".css", ".html", ".js", ".svg")  # as web/app/compress.mjs has it
_NAMED: Final = 5
_NPM_FILES: Final = frozenset({"package.json", "README.md", "LICENSE"})
_NPM_FIELDS: Final = (
    "name", "version", "description", "license", "type", "exports", "files", "sideEffects",
)  # fmt: skip


def inspect_wheel(files: Mapping[str, bytes], tracked: Iterable[str], package: str) -> None:
    """A wheel holds the tracked package, what describes it, and with the chat the whole page.

    Args:
        files: content by name.
        tracked: every path of the sources.
        package: the folder below ``packages/``.

    Raises:
        CheckFailedError: a file is missing or should not be there.
    """
    _inspect_page_of(package, files, _PAGE)
    (described,) = {name.partition("/")[0] for name in files if ".dist-info/" in name}
    sources = f"packages/{package}/src/"
    _same(
        f"The wheel of {package}",
        {name for name in files if not name.startswith((_PAGE, f"{described}/"))},
        {name.removeprefix(sources) for name in tracked if name.startswith(sources)},
    )
    for name in ("METADATA", "RECORD", "entry_points.txt", "licenses/LICENSE"):
        if f"{described}/{name}" not in files:
            raise CheckFailedError(f"The wheel has no {name}: see [project] in pyproject.toml.")


def inspect_sdist(files: Mapping[str, bytes], tracked: Iterable[str], package: str) -> None:
    """A source distribution holds every tracked file of its package, and with the chat the page.

    Args:
        files: content by name.
        tracked: every path of the sources.
        package: the folder below ``packages/``.

    Raises:
        CheckFailedError: a file is missing or should not be there.
    """
    _inspect_page_of(package, files, f"src/{_PAGE}")
    present = {name for name in files if not name.startswith(f"src/{_PAGE}")}
    below = f"packages/{package}/"
    _same(
        f"The source distribution of {package}",
        present - {"PKG-INFO", ".gitignore"},  # hatchling puts both there
        {name.removeprefix(below) for name in tracked if name.startswith(below)},
    )


def _inspect_page_of(package: str, files: Mapping[str, bytes], prefix: str) -> None:
    if package == "coatcheck-chat":
        inspect_page(files, prefix)


def inspect_page(files: Mapping[str, bytes], prefix: str) -> None:
    """The page's entries, its worker, every asset that the entries name, and all texts compressed.

    Raises:
        CheckFailedError: one of them is not there, or was compressed before it was changed.
    """
    needed = {*_ENTRIES, "media-worker.js"}
    for entry in _ENTRIES:
        if html := files.get(prefix + entry):
            needed.update(assets_of(html.decode()))
    present = {name.removeprefix(prefix) for name in files if name.startswith(prefix)}
    texts = {name for name in needed | present if name.endswith(_COMPRESSED)}
    needed.update(name + suffix for name in texts for suffix in (".br", ".gz"))
    if missing := sorted(name for name in needed if prefix + name not in files):
        raise CheckFailedError(
            f"The page is not whole, {', '.join(missing)} missing: `make page`, and see `artifacts`"
            " in pyproject.toml."
        )
    for name in sorted(texts):
        if gzip.decompress(files[f"{prefix}{name}.gz"]) != files[prefix + name]:
            raise CheckFailedError(f"{name}.gz is not {name} compressed: `make page`.")


def assets_of(html: str) -> set[str]:
    """The files below ``assets/`` that a built page names."""
    found = set(re.findall(r'(?:src|href)="/(assets/[^"]+)"', html))
    if not found:
        raise CheckFailedError("The page names no assets: it is not what the build makes.")
    return found


def inspect_npm(files: Mapping[str, bytes], licence: bytes) -> None:
    """What npm packs: the build with its types, the description, the licence.

    Args:
        files: content by name.
        licence: what has to be in ``LICENSE``.

    Raises:
        CheckFailedError: a file or field is missing, or a file should not be there.
    """
    if missing := _NPM_FILES - files.keys():
        raise CheckFailedError(f"npm packs no {', '.join(sorted(missing))}.")
    if files["LICENSE"] != licence:
        raise CheckFailedError("npm packs another LICENSE: copy the one at the root.")
    package: dict[str, Any] = json.loads(files["package.json"])
    if unsaid := set(_NPM_FIELDS) - package.keys():
        raise CheckFailedError(f"package.json does not say {', '.join(sorted(unsaid))}.")
    if package.get("private"):
        raise CheckFailedError("package.json is private: npm would refuse to publish it.")
    if stray := {n for n in files if not n.startswith("dist/")} - _NPM_FILES:
        raise CheckFailedError(f"npm packs {', '.join(sorted(stray))}: see `files`.")
    targets = set(targets_of(package["exports"]))
    if absent := {target.removeprefix("./") for target in targets} - files.keys():
        raise CheckFailedError(f"`exports` names {', '.join(sorted(absent))}, not packed.")
    scripts = {name.removesuffix(".js") for name in files if name.endswith(".js")}
    typed = {name.removesuffix(".d.ts") for name in files if name.endswith(".d.ts")}
    if untyped := scripts - typed:
        raise CheckFailedError(f"Without types: {', '.join(sorted(untyped))}.")


def targets_of(exports: Any) -> Iterable[str]:
    """Every file that an ``exports`` field leads to, whatever the conditions."""
    if isinstance(exports, str):
        yield exports
        return
    for inner in exports.values():
        yield from targets_of(inner)


def _same(what: str, present: set[str], expected: set[str]) -> None:
    if missing := expected - present:
        raise CheckFailedError(f"{what} lacks {_some(missing)}: see tool.hatch in pyproject.toml.")
    if stray := present - expected:
        raise CheckFailedError(f"{what} holds {_some(stray)}, which git does not track.")


def _some(names: set[str]) -> str:
    first, more = sorted(names)[:_NAMED], len(names) - _NAMED
    return ", ".join(first) + (f" and {more} more" if more > 0 else "")
