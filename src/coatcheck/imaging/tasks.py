"""What imaging's worker processes offer (see `coatcheck.workers.child`)."""

from typing import Final

from coatcheck.imaging.editing import edit
from coatcheck.imaging.operations import inspect, palette, render, shrink

TASKS: Final = {
    "inspect": inspect,
    "render": render,
    "edit": edit,
    "palette": palette,
    "shrink": shrink,
}
