"""Docstrings and signatures name the same parameters."""

from collections.abc import Iterator
from functools import cache

import griffe

from website.python_api import MODULES, PACKAGES, load_package, public_names

Documented = griffe.Class | griffe.Function


@cache
def package(name: str) -> griffe.Module:
    return load_package(name)


def everything() -> Iterator[Documented]:
    for name in PACKAGES:
        yield from within(package(name))


def target(found: griffe.Object | griffe.Alias) -> griffe.Object:
    resolved = found.final_target if isinstance(found, griffe.Alias) else found
    assert isinstance(resolved, griffe.Object)
    return resolved


def within(found: griffe.Object) -> Iterator[Documented]:
    """What is defined in a module or class, however deep, but for what is private."""
    for name, member in found.members.items():
        if name.startswith("_") or member.is_alias:
            continue
        inner = target(member)
        if isinstance(inner, Documented):
            yield inner
        if isinstance(inner, griffe.Module | griffe.Class):
            yield from within(inner)


def public() -> dict[str, Documented]:
    """The public names of the public modules, and the methods of the classes among them."""
    found: dict[str, Documented] = {}
    for module in MODULES:
        name, _, below = module.partition(".")
        home = target(package(name)[below]) if below else package(name)
        for name in public_names(home):
            named = target(home.members[name])
            if isinstance(named, griffe.Module):  # a function whose module has its name
                named = target(named.members[name])
            if isinstance(named, Documented):
                found[named.path] = named
            if isinstance(named, griffe.Class):
                found |= {inner.path: inner for inner in within(named)}
    return found


def taken(found: Documented) -> set[str]:
    """The parameters that a caller gives, of a class those of its own constructor."""
    if isinstance(found, griffe.Class) and "__init__" not in found.members:
        return set()
    names = {one.name for one in found.parameters if not one.name.startswith("_")}
    return names - {"self", "cls"}


def named(found: Documented, kind: type[griffe.DocstringSection]) -> set[str] | None:
    """What the docstring's section of a kind names; None where it has none."""
    sections = found.docstring.parse("google") if found.docstring is not None else []
    names = [
        {one.name.lstrip("*") for one in section.value}
        for section in sections
        if isinstance(section, kind)
    ]
    return set[str]().union(*names) if names else None


def test_parameters_in_docstrings_are_those_of_the_signature() -> None:
    wrong = {
        found.path: sorted(names ^ taken(found))
        for found in everything()
        if (names := named(found, griffe.DocstringSectionParameters)) is not None
        and names != taken(found)
    }
    assert wrong == {}


def test_attributes_in_docstrings_are_those_of_the_class() -> None:
    wrong = {
        found.path: sorted(names - found.all_members.keys())
        for found in everything()
        if (names := named(found, griffe.DocstringSectionAttributes)) is not None
        and not names <= found.all_members.keys()
    }
    assert wrong == {}


def test_every_public_name_has_a_docstring() -> None:
    assert [path for path, found in public().items() if found.docstring is None] == []
