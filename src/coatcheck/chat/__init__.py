"""The chat: conversations, their stream of chunks, and the WebSocket."""
