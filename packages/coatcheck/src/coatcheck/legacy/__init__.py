"""What old messages held, and how they are read and rewritten; migration and the chat use it."""
