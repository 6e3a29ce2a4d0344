"""Conversations and their messages: kept, listed, searched, exported."""
