"""What old messages held, and how they are read and rewritten; migration and the chat use it.

Nothing else of the library imports this. An application with such messages hands it what is here:
`LEGACY_SHAPES` to `offload` and its siblings, `summarize` to `for_model`. `modernize_message`
rewrites a message that it reads from a history of its own.
"""

from coatcheck.legacy.messages import LEGACY_SHAPES, LEGACY_TEXTS
from coatcheck.legacy.modernizing import may_be_legacy, modernize_message
from coatcheck.legacy.results import summarize

__all__ = [
    "LEGACY_SHAPES",
    "LEGACY_TEXTS",
    "may_be_legacy",
    "modernize_message",
    "summarize",
]
