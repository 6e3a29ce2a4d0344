"""Streamlit: the tutorial's chat, whose messages are kept in the session's state.

https://docs.streamlit.io/develop/tutorials/chat-and-llm-apps/build-conversational-apps
https://docs.streamlit.io/develop/api-reference/media/st.image
"""

import streamlit as st

from benchmarks.chats.prompts import requested

if "messages" not in st.session_state:
    st.session_state.messages = []

for message in st.session_state.messages:
    with st.chat_message(message["role"]):
        if "image" in message:
            st.image(message["image"])
        else:
            st.markdown(message["content"])

if prompt := st.chat_input("What is up?"):
    with st.chat_message("user"):
        st.markdown(prompt)
    st.session_state.messages.append({"role": "user", "content": prompt})
    image = requested(prompt).read_bytes()
    with st.chat_message("assistant"):
        st.image(image)
    st.session_state.messages.append({"role": "assistant", "image": image})
