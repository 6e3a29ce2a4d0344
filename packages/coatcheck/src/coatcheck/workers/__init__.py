"""Worker processes for CPU work and for code that may crash: limited, killable, replaceable."""

from coatcheck.workers.pool import WorkerLimits, WorkerPool

__all__ = ["WorkerLimits", "WorkerPool"]
