"""Messages as each provider's documentation shows them, for tests of `hydrate`."""

from typing import Any, get_args

import pybase64

from coatcheck.payload.hydration.policies import latest
from coatcheck.payload.hydration.providers import ProviderName
from coatcheck.reference import MediaReference, MediaUrls
from tests.media import image_bytes

PROVIDERS = get_args(ProviderName)
URLS = MediaUrls(base_url="https://cdn.example/media")
EVERYTHING = latest(1000, kinds={"image", "document", "audio"})


def base64(data: bytes) -> str:
    return pybase64.b64encode_as_string(data)


def uri(data: bytes, media_type: str = "image/webp") -> str:
    return f"data:{media_type};base64,{base64(data)}"


def image_block(provider: ProviderName, data: bytes, media_type: str = "image/webp") -> Any:
    """An image as the provider's documentation shows it."""
    match provider:
        case "openai":
            return {"type": "image_url", "image_url": {"url": uri(data, media_type)}}
        case "openai-responses":
            image_url = uri(data, media_type)
            return {"type": "input_image", "image_url": image_url, "detail": "auto"}
        case "anthropic":
            source = {"type": "base64", "media_type": media_type, "data": base64(data)}
            return {"type": "image", "source": source}
        case "gemini":
            return {"inlineData": {"mimeType": media_type, "data": base64(data)}}


def text_block(provider: ProviderName, text: str) -> Any:
    match provider:
        case "openai-responses":
            return {"type": "input_text", "text": text}
        case "gemini":
            return {"text": text}
        case _:
            return {"type": "text", "text": text}


def user(provider: ProviderName, *parts: Any) -> Any:
    return {"role": "user", "parts" if provider == "gemini" else "content": list(parts)}


def follow_up(provider: ProviderName, *shown: tuple[MediaReference, bytes]) -> Any:
    """The user message in which pictures follow that could not stand where they were named."""
    parts = [
        part
        for reference, data in shown
        for part in (
            text_block(provider, reference.to_model()),
            image_block(provider, data),
        )
    ]
    kind = {"type": "message"} if provider == "openai-responses" else {}
    return kind | user(provider, *parts)


def tool_turn(provider: ProviderName, *results: Any) -> list[Any]:
    """A user's question, the model's calls of tools, and what each of them returned."""
    numbered = list(enumerate(results))
    match provider:
        case "openai":
            calls = [
                {"id": f"c{n}", "type": "function", "function": {"name": "draw", "arguments": "{}"}}
                for n, _ in numbered
            ]
            return [
                {"role": "user", "content": "Draw."},
                {"role": "assistant", "content": None, "tool_calls": calls},
                *({"role": "tool", "tool_call_id": f"c{n}", "content": r} for n, r in numbered),
            ]
        case "openai-responses":
            call = {"type": "function_call", "name": "draw", "arguments": "{}"}
            return [
                {"role": "user", "content": "Draw."},
                *({**call, "call_id": f"c{n}"} for n, _ in numbered),
                *(
                    {"type": "function_call_output", "call_id": f"c{n}", "output": r}
                    for n, r in numbered
                ),
            ]
        case "anthropic":
            use = {"type": "tool_use", "name": "draw", "input": {}}
            result = {"type": "tool_result"}
            return [
                {"role": "user", "content": "Draw."},
                {"role": "assistant", "content": [{**use, "id": f"c{n}"} for n, _ in numbered]},
                {
                    "role": "user",
                    "content": [
                        {**result, "tool_use_id": f"c{n}", "content": r} for n, r in numbered
                    ],
                },
            ]
        case "gemini":
            return [
                {"role": "user", "parts": [{"text": "Draw."}]},
                {"role": "model", "parts": [{"functionCall": {"name": "draw", "args": {}}}]},
                {
                    "role": "user",
                    "parts": [
                        {"functionResponse": {"name": "draw", "response": r}} for _, r in numbered
                    ],
                },
            ]


def answer(provider: ProviderName) -> Any:
    if provider == "gemini":
        return {"role": "model", "parts": [{"text": "There."}]}
    return {"role": "assistant", "content": "There."}


def picture(seed: int = 0) -> bytes:
    """A picture that every provider gets bit for bit: a small WebP."""
    return image_bytes("webp", 96, 64, seed)
