"""Replies of the offline model after a tool ran. Pure."""

import re
from typing import Final

from coatcheck_chat.agent.offline.seen import MediaLine, lines_in, shortened

_MISSING: Final = re.compile(r"generated without (.*?), which")
_COLORS: Final = re.compile(r"Colours: ([^.]*)\.")


def conclude(tool: str, outcome: str, *, failed: bool) -> str:
    """Return the model's reply after a tool ran.

    Args:
        tool: the tool's name.
        outcome: its result as the model got it.
        failed: whether it failed; the outcome says why then.
    """
    if failed:
        return f"That did not work: {outcome}"
    lines = lines_in(outcome)
    if tool == "list_media":
        return _listed(lines)
    return _shown(tool, lines[-1], outcome) if lines else "Here is your picture."


def _shown(tool: str, line: MediaLine, outcome: str) -> str:
    subject = shortened(line.caption or "your picture")
    match tool:
        case "plot":
            return f"Here is the {subject}."
        case "edit_image":
            return f"Here is *{subject}*. Say what else to change, or *undo*."
        case "view_media":
            return _viewed(line, outcome)
        case "show_media":
            return f"Here is *{subject}* again. What you say next is about this one."
        case _:
            return _drawn(subject, line, outcome)


def _drawn(subject: str, line: MediaLine, outcome: str) -> str:
    missing = _MISSING.search(outcome)
    things = missing[1].split(", ") if missing else []
    without = f" I have no {' and no '.join(things)} in my box." if things else ""
    width, _, height = (line.size or "").partition("×")
    change = "rotate it left" if width == height else "crop to a square"
    return (
        f"Here is *{subject}*.{without} Say what to change, such as *darker* or *{change}*,"
        " or another prompt."
    )


def _viewed(line: MediaLine, outcome: str) -> str:
    told = [f"It has {line.size} pixels ({line.type.upper()})."] if line.size else []
    if colors := _COLORS.search(outcome):
        told.append(f"Its pixels are {colors[1]}.")
    caption = f"It is called *{shortened(line.caption)}*." if line.caption else "It has no caption."
    return " ".join(
        [
            "I have no eyes on this machine, but I know this much of the picture.",
            caption,
            *told,
            "What you say next is about this one.",
        ]
    )


def _listed(lines: list[MediaLine]) -> str:
    if not lines:
        return "There is no picture in this conversation yet. Say *draw a lighthouse at dusk*."
    rows = [
        f"{number}. *{shortened(line.caption or 'without a caption')}*"
        + (f", {line.size}" * bool(line.size))
        for number, line in enumerate(lines, 1)
    ]
    return "\n".join(["Newest first:", "", *rows])
