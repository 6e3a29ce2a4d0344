"""The same pictures in four real chats: ``python -m benchmarks.chats [--quick]``.

Each chat is the shortest program that its project's documentation leads to for an image in an
answer:

* Gradio's ``ChatInterface``, whose function returns ``gr.Image``, the guide's first way:
  https://www.gradio.app/guides/creating-a-chatbot-fast#returning-complex-responses
* the same with the picture as base64 in a string, the guide's simplest answer, which is rendered as
  Markdown: https://www.gradio.app/guides/creating-a-chatbot-fast#defining-a-chat-function
* Chainlit's ``cl.Image`` on a message: https://docs.chainlit.io/api-reference/elements/image
* Streamlit's tutorial chat, its messages in ``st.session_state``, with ``st.image``:
  https://docs.streamlit.io/develop/tutorials/chat-and-llm-apps/build-conversational-apps
  https://docs.streamlit.io/develop/api-reference/media/st.image
* Coatcheck's demo: ``coatcheck-chat``.

All of them read the same PNG files from disk, which nobody has to wait for.
"""
