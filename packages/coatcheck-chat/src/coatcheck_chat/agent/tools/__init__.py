"""The agent's tools as plain functions; an integration offers them to its framework."""

from coatcheck_chat.agent.tools.context import Announce, ToolContext
from coatcheck_chat.agent.tools.edit import edit_image
from coatcheck_chat.agent.tools.generate import MAX_PROMPT, generate_image
from coatcheck_chat.agent.tools.listing import MAX_LISTED, MediaListing, list_media
from coatcheck_chat.agent.tools.plot import plot
from coatcheck_chat.agent.tools.results import ImageResult
from coatcheck_chat.agent.tools.show import show_media
from coatcheck_chat.agent.tools.sizes import ASPECT_RATIOS, EDGES
from coatcheck_chat.agent.tools.view import ViewedMedia, view_media

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
    "show_media",
    "view_media",
]
