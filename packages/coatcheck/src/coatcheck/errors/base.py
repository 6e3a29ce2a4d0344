"""The root of the tree, and how its classes are found."""

from collections.abc import Iterator
from inspect import getdoc
from typing import ClassVar


class CoatcheckError(Exception):
    """Something went wrong in Coatcheck.

    Args:
        message: says what went wrong and what to do, without bytes, paths and secrets; the first
            paragraph of the class's docstring where it is left out.
    """

    code: ClassVar[str] = "coatcheck_error"
    status: ClassVar[int] = 500

    def __init__(self, message: str | None = None) -> None:
        first_paragraph = (getdoc(type(self)) or "").partition("\n\n")[0]
        self.message = message or " ".join(first_paragraph.split()) or self.code
        super().__init__(self.message)


def error_classes(root: type[CoatcheckError] = CoatcheckError) -> Iterator[type[CoatcheckError]]:
    """Every class of the tree, `root` first."""
    yield root
    for child in root.__subclasses__():
        yield from error_classes(child)


def error_for(code: str, message: str) -> CoatcheckError | None:
    """The error with this `code`, as another process told it; None for a code of no class here.

    Args:
        code: the stable code.
        message: what the other process said.
    """
    return next((kind(message) for kind in error_classes() if kind.code == code), None)
