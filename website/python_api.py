"""A page for each public module of Python; mkdocstrings fills it from signatures and docstrings."""

from collections.abc import Iterator
from typing import Final

import griffe

from website.paths import ROOT

__all__ = ["MODULES", "PACKAGES", "load_package", "public_names", "python_anchors", "python_pages"]

# What applications import. A module without `__all__` gives the public names that it defines.
MODULES: Final = (
    "coatcheck",
    "coatcheck.errors",
    "coatcheck.reference",
    "coatcheck.store",
    "coatcheck.edits",
    "coatcheck.payload",
    "coatcheck.media_part",
    "coatcheck.delivery",
    "coatcheck.server",
    "coatcheck.cli",
    "coatcheck.legacy",
    "coatcheck.workers",
    "coatcheck.integrations.opentelemetry",
    "coatcheck_chat.errors",
    "coatcheck_chat.api",
    "coatcheck_chat.streaming.socket",
    "coatcheck_chat.streaming.sse",
    "coatcheck_chat.streaming.turns",
    "coatcheck_chat.streaming.responder",
    "coatcheck_chat.history.ports",
    "coatcheck_chat.agent.tools",
    "coatcheck_chat.agent.pydantic_ai",
    "coatcheck_chat.providers.image",
    "coatcheck_chat.providers.fallback",
    "coatcheck_chat.providers.retrying",
    "coatcheck_chat.providers.openai_images",
    "coatcheck_chat.providers.openai_responses",
    "coatcheck_chat.providers.gemini",
    "coatcheck_chat.providers.compatible",
    "coatcheck_chat.providers.procedural",
    "coatcheck_chat.painter",
)
PACKAGES: Final = ("coatcheck", "coatcheck_chat")
FOLDER: Final = "reference/api"
# The indentation is what mkdocstrings reads options by.
PAGE: Final = """\
---
title: "{title}"
---

# `{module}`

::: {module}
    options:
      members:
{members}
"""
# A function whose module has its name: what the package's name leads to is the module.
SHADOWED: Final = """
::: {name}
    options:
      show_root_heading: true
      show_root_toc_entry: true
"""


def load_package(name: str = "coatcheck") -> griffe.Module:
    """A package as its source says it, without importing it."""
    package = griffe.load(
        name,
        search_paths=[ROOT / "packages/coatcheck/src", ROOT / "packages/coatcheck-chat/src"],
        docstring_parser="google",
        resolve_aliases=True,
    )
    if not isinstance(package, griffe.Module):
        raise TypeError(f"{name} is no package")
    return package


def public_names(module: griffe.Object | griffe.Alias) -> Iterator[str]:
    """The public names of a module: `__all__`, or what it defines and documents.

    Args:
        module: as griffe read it.
    """
    if module.exports is not None:
        yield from (str(name) for name in module.exports)
        return
    for name, member in module.members.items():
        if not (name.startswith("_") or member.is_alias or member.is_module) and member.docstring:
            yield name


def python_pages() -> dict[str, str]:
    """The Markdown of each page, by its place in the site."""
    pages = {}
    for place, module, names in _modules():
        whole = {name: f"{module}.{name}" for name in names}
        pages[place] = PAGE.format(
            title=module.removeprefix("coatcheck."),
            module=module,
            members="\n".join(f"        - {name}" for name in names if whole[name] == names[name]),
        ) + "".join(
            SHADOWED.format(name=names[name]) for name in names if whole[name] != names[name]
        )
    return pages


def python_anchors() -> dict[str, set[str]]:
    """What each page must tell of, by its place in the site."""
    return {place: set(names.values()) for place, _module, names in _modules()}


def _modules() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Each page's place, its module, and by public name what documents it."""
    packages = {name: load_package(name) for name in PACKAGES}
    for module in MODULES:
        package, _, below = module.partition(".")
        home = packages[package][below] if below else packages[package]
        names = {
            name: f"{module}.{name}.{name}" if home.members[name].is_module else f"{module}.{name}"
            for name in public_names(home)
        }
        yield f"{FOLDER}/{module}.md", module, names
