"""Gradio's ``ChatInterface``: the function returns a component, which it shows in the chat.

https://www.gradio.app/guides/creating-a-chatbot-fast#returning-complex-responses
"""

import sys
from typing import Any

import gradio as gr

from benchmarks.chats.prompts import requested


def answer(message: str, history: list[dict[str, Any]]) -> gr.Image:
    """The picture."""
    del history
    return gr.Image(str(requested(message)))


if __name__ == "__main__":
    gr.ChatInterface(answer).launch(
        server_name="127.0.0.1",
        server_port=int(sys.argv[1]),
        # Gradio serves files from the working directory and the temporary directory only.
        allowed_paths=[str(requested("scene000000").parent)],
    )
