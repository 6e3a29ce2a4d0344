"""The tasks of imaging's worker processes (see `coatcheck.workers.child`)."""

from typing import Final

import pyvips

from coatcheck.imaging.editing import edit
from coatcheck.imaging.operations import inspect, palette, render, shrink, warm

# Before the first task: libvips' loaders that its authors call untrusted do not run in a worker.
pyvips.block_untrusted_set(True)

TASKS: Final = {
    "inspect": inspect,
    "render": render,
    "edit": edit,
    "palette": palette,
    "shrink": shrink,
    "warm": warm,
}
