"""Tasks on a kernel that offers no Landlock: the worker finds none where it looks for it."""

from coatcheck.workers import confinement
from tests.unit.workers.tasks import TASKS

__all__ = ["TASKS"]

confinement.landlock_version = lambda: 0
