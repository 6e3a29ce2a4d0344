"""Worker processes for CPU work and for code that may crash: limited, killable, replaceable."""

from coatcheck.workers.pool import WorkerLimits, WorkerPool
from coatcheck.workers.turns import Share

__all__ = ["Share", "WorkerLimits", "WorkerPool"]
