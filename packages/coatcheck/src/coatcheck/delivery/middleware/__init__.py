"""ASGI middleware that takes inline media out of what an application sends."""

from coatcheck.delivery.middleware.offloading import (
    MAX_HELD,
    OFFLOAD_LOG,
    TOO_LARGE,
    UNEXPECTED,
    OffloadMiddleware,
    Owner,
)

__all__ = ["MAX_HELD", "OFFLOAD_LOG", "TOO_LARGE", "UNEXPECTED", "OffloadMiddleware", "Owner"]
