"""Files that a block asks for by ``<!-- needs: … -->``: made under the name that it says."""

import base64
import json
import sqlite3
from pathlib import Path

from tests.media import image_bytes


def provide(name: str, directory: Path) -> None:
    """Put the file into the directory; what it holds goes by its name."""
    path = directory / name
    match path.suffix:
        case ".png" | ".webp" | ".jpg":
            kind = path.suffix.removeprefix(".").replace("jpg", "jpeg")
            path.write_bytes(image_bytes(kind, 640, 480))
        case ".jsonl":
            path.write_text(_message() + "\n", "utf-8")
        case ".db":
            database = sqlite3.connect(path)
            database.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, content TEXT)")
            database.execute("INSERT INTO messages (content) VALUES (?)", (_message(),))
            database.commit()
            database.close()
        case _:
            raise ValueError(f"There is no such file to give: {name}")


def _message() -> str:
    """A message of an old history."""
    picture = base64.b64encode(image_bytes("png", 320, 240)).decode()
    block = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}
    return json.dumps({"role": "user", "content": [block]})
