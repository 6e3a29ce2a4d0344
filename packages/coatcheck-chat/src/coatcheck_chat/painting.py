"""Tasks of the painters' workers: landscapes and plots. The first task does the imports."""

from typing import Any, Final

from coatcheck.workers import WorkerLimits

PAINTERS: Final = WorkerLimits(
    processes=2,
    waiting=16,
    seconds=60.0,
    cpu_seconds=60,
    memory_bytes=4 * 1024**3,
    tasks_per_process=50,
    scratch=True,
)
"""A 2048×2048 landscape takes a few seconds and about a gigabyte of address space. The directory is
for matplotlib, which keeps its list of fonts in a file."""


def paint(
    *, prompt: str, seed: int, width: int, height: int, stage: float
) -> tuple[dict[str, Any], bytes]:
    """A landscape as PNG, and what is missing in it; see `coatcheck_chat.painter`."""
    from coatcheck_chat import painter  # noqa: PLC0415 - numpy, in the worker alone

    data = painter.paint(prompt, seed=seed, width=width, height=height, stage=stage)
    return {"missing": list(painter.missing(prompt))}, data


def plot(
    *, expression: str, x_min: float, x_max: float, title: str | None
) -> tuple[dict[str, Any], bytes]:
    """A plot as PNG; see `coatcheck_chat.painter.plotting.draw_plot`."""
    from coatcheck_chat.painter.plotting import draw_plot  # noqa: PLC0415 - matplotlib, in the worker alone

    return {}, draw_plot(expression, x_min=x_min, x_max=x_max, title=title)


TASKS: Final = {"paint": paint, "plot": plot}
"""The tasks of a worker (see `coatcheck.workers.child`)."""
