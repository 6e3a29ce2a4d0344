"""The agent's tools as plain functions; an integration offers them to its framework."""

from coatcheck.agent.tools.context import Announce, ToolContext
from coatcheck.agent.tools.edit import edit_image
from coatcheck.agent.tools.generate import MAX_PROMPT, generate_image
from coatcheck.agent.tools.listing import MAX_LISTED, MediaListing, list_media
from coatcheck.agent.tools.plot import plot
from coatcheck.agent.tools.results import ImageResult
from coatcheck.agent.tools.sizes import ASPECT_RATIOS, EDGES
from coatcheck.agent.tools.view import ViewedMedia, view_media

__all__ = [
    "ASPECT_RATIOS",
    "EDGES",
    "MAX_LISTED",
    "MAX_PROMPT",
    "Announce",
    "ImageResult",
    "MediaListing",
    "ToolContext",
    "ViewedMedia",
    "edit_image",
    "generate_image",
    "list_media",
    "plot",
    "view_media",
]
