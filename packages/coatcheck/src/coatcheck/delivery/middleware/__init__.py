"""ASGI middleware that takes inline media out of what an application sends."""

from coatcheck.delivery.middleware.compression import COMPRESSED
from coatcheck.delivery.middleware.offloading import (
    MAX_HELD,
    OFFLOAD_LOG,
    TOO_LARGE,
    UNEXPECTED,
    OffloadMiddleware,
    Owner,
    When,
)
from coatcheck.delivery.middleware.reporting import MiddlewareReport, RouteReport
from coatcheck.delivery.middleware.requests import MAX_REQUEST, REQUEST_TOO_LARGE

__all__ = [
    "COMPRESSED",
    "MAX_HELD",
    "MAX_REQUEST",
    "OFFLOAD_LOG",
    "REQUEST_TOO_LARGE",
    "TOO_LARGE",
    "UNEXPECTED",
    "MiddlewareReport",
    "OffloadMiddleware",
    "Owner",
    "RouteReport",
    "When",
]
