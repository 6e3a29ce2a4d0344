"""The model that answers without a network: understands "draw …", "plot …" and small talk. Pure.

An integration dresses it as a model of its framework, so that the whole loop (tool call, tool
result, second turn) really runs without a key.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from coatcheck.agent.tools import ASPECT_RATIOS

MODEL_NAME: Final = "offline"


@dataclass(frozen=True, slots=True)
class Speak:
    """The model says something."""

    text: str


@dataclass(frozen=True, slots=True)
class CallTool:
    """The model calls a tool."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


_ABILITIES: Final = (
    "I draw pictures and plot functions, all on this machine, without a network.\n\n"
    "- **Draw a lighthouse at dusk**, or any landscape; add *16:9*, *800x600* or *seed 7*\n"
    "- **Plot sin(x)/x from -20 to 20**\n\n"
    "Each picture travels as a reference of about 600 bytes; your browser fetches the pixels."
)
_DRAW: Final = re.compile(
    r"^(?:(?:please|now|hi|hello|hey)[,!\s]+)*(?:(?:can|could|would|will)\s+you\s+)?(?:please\s+)?"
    r"(?:draw|paint|sketch|generate|create|make|render|show|imagine|picture)\b"
    r"(?:\s+(?:me|us))?\s*(?P<what>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_FILLER: Final = re.compile(
    r"^(?:(?:a|an|the)\s+)?(?:new\s+)?(?:picture|image|painting|drawing|photo|illustration)\s+(?:of|with|showing)\s+",
    re.IGNORECASE,
)
_PLOT: Final = re.compile(
    r"\b(?:plot|graph)\b\s*(?:me\s+)?(?:the\s+)?(?:function\s+|graph\s+of\s+)?(?:of\s+)?(?P<what>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_NUMBER: Final = r"-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?"
_GRAPH: Final = re.compile(
    r"^(?:(?:a|an|the)\s+)?(?:plot|graph)\b\s*(?:of\s+)?(?P<what>.*)$", re.IGNORECASE | re.DOTALL
)
_INTERVAL: Final = re.compile(
    rf",?\s*(?:for\s+x\s+)?(?:from|between)\s+(?P<low>{_NUMBER})\s*(?:to|and|\.\.)\s*(?P<high>{_NUMBER})",
    re.IGNORECASE,
)
_RATIO: Final = re.compile(r",?\s*(?:\b(?:in|at)\s+)?\b(\d{1,2}:\d{1,2})\b", re.IGNORECASE)
_SIZE: Final = re.compile(
    r",?\s*(?:\b(?:in|at)\s+)?\b(\d{2,5})\s*[x×]\s*(\d{2,5})\b", re.IGNORECASE
)
_SEED: Final = re.compile(r",?\s*(?:with\s+)?\bseed\s*[:=]?\s*(\d{1,10})\b", re.IGNORECASE)
_GREETING: Final = re.compile(r"^(?:hi|hello|hey|good (?:morning|evening|day))\b", re.IGNORECASE)
_THANKS: Final = re.compile(r"\b(?:thanks|thank you|lovely|beautiful|great|nice)\b", re.IGNORECASE)


def answer(message: str) -> Speak | CallTool:
    """What the model does about a user's message."""
    text = " ".join(message.split())
    if match := _DRAW.match(text):
        graph = _GRAPH.match(match["what"])
        return _plotting(graph["what"]) if graph else _drawing(match["what"])
    if match := _PLOT.search(text):
        return _plotting(match["what"])
    if _THANKS.search(text):
        return Speak("I am glad you like it. What shall I draw next?")
    if _GREETING.match(text):
        return Speak(f"Hello! {_ABILITIES}")
    return Speak(_ABILITIES)


def conclude(tool: str, outcome: str, *, failed: bool) -> str:
    """What the model says after a tool ran."""
    if failed:
        return f"That did not work: {outcome}"
    captions = re.findall(r'"([^"]*)"', outcome)
    subject = captions[-1] if captions else "your picture"
    if tool == "plot":
        return f"Here is the {subject}."
    return (
        f"Here is *{subject}*. Say another prompt, a ratio such as 16:9, or a seed for a variation."
    )


def _drawing(what: str) -> CallTool:
    arguments: dict[str, Any] = {}
    if match := _RATIO.search(what):
        if match[1] in ASPECT_RATIOS:
            arguments["aspect_ratio"] = match[1]
            what = _RATIO.sub("", what, count=1)
    elif match := _SIZE.search(what):
        arguments |= {"width": int(match[1]), "height": int(match[2])}
        what = _SIZE.sub("", what, count=1)
    if match := _SEED.search(what):
        arguments["seed"] = int(match[1])
        what = _SEED.sub("", what, count=1)
    prompt = _FILLER.sub("", what.strip(" .,!?")).strip(" .,!?")
    return CallTool("generate_image", {"prompt": prompt, **arguments})


def _plotting(what: str) -> CallTool:
    arguments: dict[str, Any] = {}
    if match := _INTERVAL.search(what):
        arguments |= {"x_min": float(match["low"]), "x_max": float(match["high"])}
        what = what[: match.start()]
    return CallTool("plot", {"expression": what.strip(" .,!?").rstrip("= "), **arguments})
