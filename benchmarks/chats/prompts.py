"""What is said to the chats, and which picture is meant. Every chat's process imports this.

It runs in the peers' own environments: the standard library alone.
"""

import os
import re
from pathlib import Path
from typing import Final

FOLDER_VARIABLE: Final = "COATCHECK_BENCH_PICTURES"
"""Names the directory where the pictures lie."""

_NAME: Final = re.compile(r"scene[0-9]{6}")


def name(number: int) -> str:
    """What picture `number` is called; its file is this and ``.png``."""
    return f"scene{number:06d}"


def prompt(picture: str) -> str:
    """The message that asks for a picture."""
    return f"Draw {picture}"


def requested(message: str) -> Path:
    """The file that a message asks for.

    Raises:
        ValueError: it asks for none.
    """
    match = _NAME.search(message)
    if match is None:
        raise ValueError(f"{message!r} asks for no picture")
    return Path(os.environ[FOLDER_VARIABLE], f"{match[0]}.png")
