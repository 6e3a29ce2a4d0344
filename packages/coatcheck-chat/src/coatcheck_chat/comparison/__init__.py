"""The same pictures through a message stream in two ways: as base64, and as references.

The demo's page ``/compare`` and the browser benchmark play it. Nothing else sends pictures inline.
"""

from coatcheck_chat.comparison.frames import Side, Way, frames
from coatcheck_chat.comparison.pictures import ComparedPictures
from coatcheck_chat.comparison.socket import ComparisonSocket

__all__ = ["ComparedPictures", "ComparisonSocket", "Side", "Way", "frames"]
