"""The tool `show_media`."""

from coatcheck import media_part
from coatcheck.payload import result_line
from coatcheck_chat.agent.tools.context import Announce, ToolContext


async def show_media(
    context: ToolContext, announce: Announce, *, part_id: str, reference_id: str
) -> str:
    """Show the user a picture or file of the conversation again.

    Args:
        context: what to work with.
        announce: gets the part that shows it.
        part_id: the id of that part.
        reference_id: the media.

    Returns:
        What the model reads: one line that names it.

    Raises:
        NotFoundError: the media is unknown.
    """
    reference = (await context.find(reference_id)).reference
    await announce(media_part.media_part(part_id, media_part.ready(reference.to_ui(context.urls))))
    return result_line("Shown.", reference)
