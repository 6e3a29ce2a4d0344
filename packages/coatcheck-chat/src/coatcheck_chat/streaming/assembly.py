"""From chunks to a message: what the browser's AI SDK does, done here for the history. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from coatcheck import media_part
from coatcheck.errors import CoatcheckError

_UNFINISHED: Final = frozenset({"pending", "preview"})


class MessageAssembly:
    """Folds the chunks of one turn into an AI SDK UI message.

    Args:
        message_id: the id of the message that the turn makes.
    """

    def __init__(self, message_id: str) -> None:
        self._message_id = message_id
        self._parts: list[dict[str, Any]] = []
        self._texts: dict[str, dict[str, Any]] = {}
        self._tools: dict[str, dict[str, Any]] = {}
        self._data: dict[tuple[str, str], dict[str, Any]] = {}

    @property
    def message(self) -> dict[str, Any]:
        """The message so far."""
        return {"id": self._message_id, "role": "assistant", "parts": self._parts}

    def apply(self, chunk: Mapping[str, Any]) -> None:
        """Add one chunk; types that leave no trace in a message are ignored."""
        match chunk["type"]:
            case "start-step":
                self._parts.append({"type": "step-start"})
            case "text-start" | "reasoning-start" as kind:
                part = {"type": kind.removesuffix("-start"), "text": "", "state": "streaming"}
                self._texts[chunk["id"]] = self._add(part)
            case "text-delta" | "reasoning-delta":
                self._texts[chunk["id"]]["text"] += chunk["delta"]
            case "text-end" | "reasoning-end":
                self._texts[chunk["id"]]["state"] = "done"
            case "tool-input-available":
                self._tool(chunk).update(state="input-available", input=chunk["input"])
            case "tool-input-error":
                self._tool(chunk).update(
                    state="output-error", input=chunk["input"], errorText=chunk["errorText"]
                )
            case "tool-output-available":
                self._tools[chunk["toolCallId"]].update(
                    state="output-available", output=chunk["output"]
                )
            case "tool-output-error":
                self._tools[chunk["toolCallId"]].update(
                    state="output-error", errorText=chunk["errorText"]
                )
            case str(kind) if kind.startswith("data-") and not chunk.get("transient"):
                self._put_data(chunk)

    def close(self, reason: CoatcheckError) -> list[dict[str, Any]]:
        """End what is still under way with `reason`; the chunks that tell the browser so."""
        for part in self._texts.values():
            part["state"] = "done"
        told = [
            media_part.media_part(part["id"], media_part.failed(reason))
            for part in self._data.values()
            if part["type"] == media_part.MEDIA_PART and part["data"]["state"] in _UNFINISHED
        ]
        told += [
            {"type": "tool-output-error", "toolCallId": call_id, "errorText": reason.message}
            for call_id, part in self._tools.items()
            if part["state"] == "input-available"
        ]
        for chunk in told:
            self.apply(chunk)
        return told

    def _add(self, part: dict[str, Any]) -> dict[str, Any]:
        self._parts.append(part)
        return part

    def _tool(self, chunk: Mapping[str, Any]) -> dict[str, Any]:
        call_id = chunk["toolCallId"]
        if call_id not in self._tools:
            part = {"type": f"tool-{chunk['toolName']}", "toolCallId": call_id}
            self._tools[call_id] = self._add(part)
        return self._tools[call_id]

    def _put_data(self, chunk: Mapping[str, Any]) -> None:
        part = {"type": chunk["type"], "data": chunk["data"]}
        identifier = chunk.get("id")
        if identifier is None:
            self._add(part)
            return
        key = (chunk["type"], identifier)
        if key in self._data:
            self._data[key]["data"] = chunk["data"]
        else:
            self._data[key] = self._add(part | {"id": identifier})
