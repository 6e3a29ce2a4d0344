"""How the server process logs."""

import logging
import re
from copy import deepcopy
from typing import Any

from uvicorn.config import LOGGING_CONFIG

from coatcheck.payload.scrubbing import ScrubFilter

_MEDIA = "/api/media/"
_PATH = 2  # client, method, path with query, version, status: what uvicorn logs of a request
_CREDENTIAL = re.compile(
    r"""(\b(?:(?:set-)?cookie|(?:proxy-)?authorization|(?:x-)?(?:goog-)?api-key)["']?\s*[:,]\s*)"""
    r"""(?:b?"[^"]*"|b?'[^']*'|[^\n]*)""",
    re.IGNORECASE,
)
_OF_THE_START = {
    "Started server process [%d]",
    "Waiting for application startup.",
    "Application startup failed. Exiting.",
}


class WithoutMedia(logging.Filter):
    """Keeps requests for media out of uvicorn's own access log.

    They are in ours, without the query: with that of a signed URL, a log's reader reads the media.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        if isinstance(record.args, tuple) and len(record.args) > _PATH:
            return not str(record.args[_PATH]).startswith(_MEDIA)
        return True


class WithoutCredentials(logging.Filter):
    """Cuts out of every record what a header with a credential says.

    At DEBUG, libraries log the headers of requests and answers: websockets each line of a
    handshake, the clients of providers whole lists.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true: a record is changed, never dropped."""
        if record.levelno != logging.INFO:  # what is logged of each request is there, and has none
            message = record.getMessage()
            kept = _CREDENTIAL.sub(r"\1[left out]", message)
            if kept != message:
                record.msg, record.args = kept, None
        return True


class WithoutStart(logging.Filter):
    """Drops what uvicorn says before the application has started, or has not.

    The address or the error is printed by the command, which says it better.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        return record.msg not in _OF_THE_START


def log_config(level: str) -> dict[str, Any]:
    """Uvicorn's configuration, and ours beside it; for `logging.config.dictConfig`."""
    config = deepcopy(LOGGING_CONFIG)
    config["filters"] = {
        "without_media": {"()": WithoutMedia},
        "without_start": {"()": WithoutStart},
        "without_credentials": {"()": WithoutCredentials},
        "scrub": {"()": ScrubFilter},
    }
    config["loggers"]["uvicorn.access"]["filters"] = ["without_media"]
    config["loggers"]["uvicorn.error"]["filters"] = ["without_start"]
    config["formatters"]["line"] = {"format": "%(asctime)s %(message)s"}
    config["handlers"]["line"] = {
        "class": "coatcheck.delivery.observation.AccessLines",
        "formatter": "line",
        "stream": "ext://sys.stdout",
    }
    for handler in config["handlers"].values():
        handler["filters"] = ["without_credentials", "scrub"]
    config["root"] = {"handlers": ["default"], "level": level}
    config["loggers"]["coatcheck.access"] = {
        "handlers": ["line"],
        "level": level,
        "propagate": False,
    }
    # Seven lines of how it sets itself up, on the first screen.
    config["loggers"]["alembic.runtime.plugins"] = {"level": "WARNING"}
    return config
