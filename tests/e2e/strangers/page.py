"""What both strangers have: a page, and a history with three pictures in three ways."""

import base64
from typing import Any, Final

from tests.media import png_bytes

PICTURES: Final = [
    base64.b64encode(png_bytes(width, 180, seed=width)).decode() for width in (240, 250, 260)
]

HISTORY: Final[dict[str, Any]] = {
    # A form of Anthropic's messages, a data: URI, and a form of the page's own.
    "messages": [
        {
            "role": "user",
            "content": [
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": PICTURES[0]},
                }
            ],
        }
    ],
    "cover": f"data:image/png;base64,{PICTURES[1]}",
    "payload": {"mime": "image/png", "b64": PICTURES[2]},
}

PAGE: Final = """<!doctype html>
<title>Stranger</title>
<form method="post" action="login">
  <input name="user" aria-label="User"><button>Log in</button>
</form>
<main></main>
<script type="module">
const answer = await fetch("history");
if (answer.ok) {
  const history = await answer.json();
  const {source} = history.messages[0].content[0];
  const urls = [
    source.type === "url" ? source.url : `data:${source.media_type};base64,${source.data}`,
    history.cover,
    `data:${history.payload.mime};base64,${history.payload.b64}`,
  ];
  for (const url of urls) {
    const image = new Image();
    image.src = url;
    document.querySelector("main").append(image);
  }
  const post = {method: "POST", headers: {"content-type": "application/json"}};
  const echoed = await fetch("echo", {...post, body: JSON.stringify(history)});
  document.querySelector("main").dataset.echoed = (await echoed.json()).same;
}
</script>
"""
