"""The chats, each the shortest program that its project's documentation leads to.

They are run by path in environments of their own, never imported here.
"""
