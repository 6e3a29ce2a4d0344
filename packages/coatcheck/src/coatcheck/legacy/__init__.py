"""What old messages held, and how they are read and rewritten; migration and the chat use it.

Nothing else of the library imports this. An application with such messages hands it what is here:
`LEGACY_SHAPES` to `offload` and its siblings, `summarize` to `for_model`.
"""

from coatcheck.legacy.messages import LEGACY_SHAPES, LEGACY_TEXTS
from coatcheck.legacy.results import summarize

__all__ = ["LEGACY_SHAPES", "LEGACY_TEXTS", "summarize"]
