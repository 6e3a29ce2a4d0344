"""Chainlit: an image element attached to the answer.

https://docs.chainlit.io/api-reference/elements/image
"""

import chainlit as cl

from benchmarks.chats.prompts import requested


@cl.on_message  # type: ignore[untyped-decorator]  # it is not installed here
async def answer(message: cl.Message) -> None:
    """Send the picture."""
    content = requested(message.content).read_bytes()
    image = cl.Image(content=content, name="picture", display="inline")
    await cl.Message(content="Here is the picture.", elements=[image]).send()
