"""What the reference pages say in tables by hand is what the code says."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import typer

import coatcheck
from coatcheck.cli import commands as library
from coatcheck.reference import MediaReference, MediaUrls
from coatcheck.store import MediaStore
from coatcheck_chat.cli import commands as chat
from tests.architecture.test_docs import REFERENCE, code, read, rows, sections


def commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    for word, inner in getattr(command, "commands", {}).items():
        yield from commands(f"{name} {word}", inner)


def test_a_default_of_an_option_is_the_one_that_is_documented() -> None:
    by_title = sections(read(REFERENCE / "cli.md"), 2)
    checked = 0
    declared = [
        *commands("coatcheck", typer.main.get_command(library.app)),
        *commands("coatcheck-chat", typer.main.get_command(chat.app)),
    ]
    for name, command in declared:
        documented = {code(row[0])[0]: row[1] for row in rows(by_title[name]) if len(row) > 2}
        for option in command.params:
            if option.opts[0] in documented and isinstance(option.default, str | int):
                if isinstance(option.default, bool):
                    continue  # said in words
                assert str(option.default) in code(documented[option.opts[0]]), (name, option.opts)
                checked += 1
    assert checked >= 4


def called(cell: str) -> tuple[str, list[str]] | None:
    """The name and the parameters of ``name(first, *, second=None)``; None for another cell."""
    written = re.fullmatch(r"`(\w+)\((.*)\)`", cell)
    if written is None:
        return None
    names = [part.partition("=")[0].strip() for part in written[2].split(",") if part.strip()]
    return written[1], names


def test_the_methods_of_the_overview_take_what_it_says() -> None:
    by_title = sections(read(REFERENCE / "python.md"), 2)
    wrong, checked = {}, 0
    for kind in (MediaStore, MediaReference):
        for row in rows(by_title[kind.__name__]):
            if (found := called(row[0])) is None:
                continue
            name, written = found
            signature = inspect.signature(getattr(kind, name))
            taken = [one for one in signature.parameters if one not in {"self", "cls"}]
            # `…` stands for keywords that the page lists below the table, or sends elsewhere for.
            cut = "…" in written
            shown = [one for one in written if one not in {"*", "…"}]
            checked += 1
            if shown != (taken[: len(shown)] if cut else taken):
                wrong[name] = (written, taken)
    assert wrong == {}
    assert checked > 15
    assert {"original", "thumbnail"} <= {
        name for name in dir(MediaUrls) if not name.startswith("_")
    }


def test_the_overview_has_every_public_name_in_order() -> None:
    by_title = sections(read(REFERENCE / "python.md"), 2)
    assert [code(row[0])[0] for row in rows(by_title["Public names"])] == coatcheck.__all__
