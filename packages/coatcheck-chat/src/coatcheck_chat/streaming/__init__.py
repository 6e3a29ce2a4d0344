"""Turns and their streams: numbered chunks, over the WebSocket and over HTTP."""
