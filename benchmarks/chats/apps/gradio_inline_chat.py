"""Gradio's ``ChatInterface`` with a text answer that holds the picture: Markdown with base64.

The guide's simplest answer is a string, which is rendered as Markdown; and base64 is what image
APIs give: https://www.gradio.app/guides/creating-a-chatbot-fast#defining-a-chat-function
"""

import base64
import sys
from typing import Any

import gradio as gr

from benchmarks.chats.prompts import requested


def answer(message: str, history: list[dict[str, Any]]) -> str:
    """The picture as a data: URI."""
    del history
    data = base64.b64encode(requested(message).read_bytes()).decode()
    return f"![the picture](data:image/png;base64,{data})"


if __name__ == "__main__":
    gr.ChatInterface(answer).launch(server_name="127.0.0.1", server_port=int(sys.argv[1]))
