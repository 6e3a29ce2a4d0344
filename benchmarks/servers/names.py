"""What the benchmark and the application that it starts call alike."""

PATHSEND_PATH = "/pathsend"
"""Where the large original is sent by path."""
