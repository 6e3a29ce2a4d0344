"""The offline model's reaction to a user's message. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from coatcheck_chat.agent.offline.seen import shortened, without_lines
from coatcheck_chat.agent.offline.wishes import edits_wished
from coatcheck_chat.agent.tools import ASPECT_RATIOS

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
    "- **Make it darker and crop to a square**, or *put the word HOME on it*, *blur it*,"
    " *rotate it left*, *black and white*, *undo*\n"
    "- **What do you see?** and **list my pictures**\n"
    "- **Plot sin(x)/x from -20 to 20**\n\n"
    "Each picture travels as a reference of about 600 bytes; your browser fetches the pixels."
)
_NO_PICTURE: Final = "There is no picture yet. Say *draw a lighthouse at dusk*, or attach one."
_DRAW: Final = re.compile(
    r"^(?:(?:please|now|hi|hello|hey)[,!\s]+)*(?:(?:can|could|would|will)\s+you\s+)?(?:please\s+)?"
    r"(?:draw|paint|sketch|generate|create|make|render|show|imagine|picture)\b"
    r"(?:\s+(?:me|us))?\s*(?P<what>.*)$",
    re.IGNORECASE | re.DOTALL,
)
# "a lighthouse at dusk": a thing that is named to a painter is to be painted.
_THING: Final = re.compile(r"^(?:an?|the|some|two|three)\s[^?]{2,100}$", re.IGNORECASE)
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
_ABOUT_IT: Final = re.compile(
    r"^(?:it|this|that|(?:the|this|that|my)\s+(?:picture|image|photo|drawing|painting))\b",
    re.IGNORECASE,
)
_LIST: Final = re.compile(
    r"^(?:please\s+)?(?:list|show(?:\s+me)?)\s+(?:all\s+)?(?:of\s+)?(?:(?:my|our|the|these)\s+)?"
    r"(?:pictures|images|photos|media|files)\b"
    r"|\b(?:which|what)\s+(?:pictures|images|photos|media|files)\b",
    re.IGNORECASE,
)
_LOOK: Final = re.compile(
    r"\bwhat\s+(?:do|can|did)\s+you\s+see\b|\bwhat(?:'s|’s|\s+is)\s+(?:in|on)\s+(?:it|this|that|the)\b"
    r"|\bwhat\s+does\s+(?:it|this|that)\s+show\b"
    r"|\b(?:describe|look\s+at)\s+(?:it|this|that|(?:the|this|that|my)\s+(?:picture|image|photo))\b",
    re.IGNORECASE,
)
_UNDO: Final = re.compile(
    r"^(?:please\s+)?(?:undo|revert|go\s+back|take\s+(?:it|that)\s+back)\b", re.IGNORECASE
)
_ABOUT_ABILITIES: Final = re.compile(r"\bwhat\s+(?:can|do)\s+you\b|\bhelp\b|^\?+$", re.IGNORECASE)
_GREETING: Final = re.compile(r"^(?:hi|hello|hey|good (?:morning|evening|day))\b", re.IGNORECASE)
_THANKS: Final = re.compile(r"\b(?:thanks|thank you|lovely|beautiful|great|nice)\b", re.IGNORECASE)


def answer(message: str, pictures: Sequence[str] = ()) -> Speak | CallTool:
    """Return the model's reaction to a user's message.

    Args:
        message: what the user says, with a line for each attachment.
        pictures: ids of the pictures of the conversation as its messages name them, oldest first;
            the last one is what "it" means.
    """
    text = " ".join(without_lines(message).split())
    if done := _about_pictures(text, pictures):
        return done
    if match := _DRAW.match(text):
        graph = _GRAPH.match(match["what"])
        return _plotting(graph["what"]) if graph else _drawing(match["what"])
    if match := _PLOT.search(text):
        return _plotting(match["what"])
    return _otherwise(text)


def _otherwise(text: str) -> Speak | CallTool:
    """The reaction to a message without a verb that requests something."""
    if _THANKS.search(text):
        return Speak("I am glad you like it. What shall I draw next?")
    if _GREETING.match(text):
        return Speak(f"Hello! {_ABILITIES}")
    if _THING.match(text):
        return _drawing(text)
    if not text or _ABOUT_ABILITIES.search(text):
        return Speak(_ABILITIES)
    return Speak(f"I do not understand *{shortened(text.replace('*', ''))}*. {_ABILITIES}")


def _about_pictures(text: str, pictures: Sequence[str]) -> Speak | CallTool | None:
    """The reaction to a message about an existing picture; None if it is about none."""
    if _LIST.search(text):
        return CallTool("list_media")
    if _LOOK.search(text):
        return CallTool("view_media", {"id": pictures[-1]}) if pictures else Speak(_NO_PICTURE)
    if _UNDO.match(text):
        return _undoing(pictures)
    return _editing(text, pictures)


def _editing(text: str, pictures: Sequence[str]) -> Speak | CallTool | None:
    drawing = _DRAW.match(text)
    if drawing is not None and not _ABOUT_IT.match(drawing["what"]):
        return None  # "draw a blurred lighthouse" is about a new one
    edits = edits_wished(text)
    if not edits:
        return None
    if not pictures:
        return Speak(_NO_PICTURE)
    return CallTool("edit_image", {"id": pictures[-1], "edits": edits})


def _undoing(pictures: Sequence[str]) -> Speak | CallTool:
    """Back to the picture before. Showing it makes it the one that is meant from then on."""
    if not pictures:
        return Speak(_NO_PICTURE)
    before = pictures[: pictures.index(pictures[-1])]
    if not before:
        return Speak("There is no picture before this one.")
    return CallTool("show_media", {"id": before[-1]})


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
