"""How the server process logs."""

import logging
from copy import deepcopy
from typing import Any

from uvicorn.config import LOGGING_CONFIG

from coatcheck.payload.scrubbing import ScrubFilter

_MEDIA = "/api/media/"
_PATH = 2  # client, method, path with query, version, status: what uvicorn logs of a request


class WithoutMedia(logging.Filter):
    """Keeps requests for media out of uvicorn's own access log.

    They are in ours, without the query: that of a signed URL lets whoever reads it read the media.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        if isinstance(record.args, tuple) and len(record.args) > _PATH:
            return not str(record.args[_PATH]).startswith(_MEDIA)
        return True


def log_config(level: str) -> dict[str, Any]:
    """Uvicorn's configuration, and ours beside it; for `logging.config.dictConfig`."""
    config = deepcopy(LOGGING_CONFIG)
    config["filters"] = {"without_media": {"()": WithoutMedia}, "scrub": {"()": ScrubFilter}}
    config["loggers"]["uvicorn.access"]["filters"] = ["without_media"]
    config["formatters"]["line"] = {"format": "%(asctime)s %(message)s"}
    config["handlers"]["line"] = {
        "class": "logging.StreamHandler",
        "formatter": "line",
        "stream": "ext://sys.stdout",
    }
    for handler in config["handlers"].values():
        handler["filters"] = ["scrub"]
    config["root"] = {"handlers": ["default"], "level": level}
    config["loggers"]["coatcheck.access"] = {
        "handlers": ["line"],
        "level": level,
        "propagate": False,
    }
    # Seven lines of how it sets itself up, on the first screen of whoever starts a server.
    config["loggers"]["alembic.runtime.plugins"] = {"level": "WARNING"}
    return config
