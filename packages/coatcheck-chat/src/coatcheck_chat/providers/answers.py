"""Answers of providers over the network, parsed strictly. Pure.

`maker` is the name of the model, with which every message begins.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

import pybase64

from coatcheck.reference import clean_text
from coatcheck.store import IMAGE_TYPES, sniff
from coatcheck_chat.errors import GenerationError, ModerationError, ProviderUnavailableError
from coatcheck_chat.providers.image import Draft

_MESSAGE_WEIGHT: Final = 300
_DATA_URI: Final = re.compile(r"data:[^,]*;base64,", re.IGNORECASE)
# Timeouts, conflicts and limits: what a second request may get past (RFC 9110, RFC 6585).
_PASSING: Final = frozenset({408, 409, 425, 429})
_SERVER_ERROR: Final = 500
_KEY_REFUSED: Final = frozenset({401, 403})


def decode_picture(encoded: object, maker: str) -> bytes:
    """The picture in a text of base64, with or without a ``data:`` URI around it.

    Raises:
        GenerationError: it is no such text, empty, or holds no image.
    """
    if not isinstance(encoded, str) or not encoded:
        raise GenerationError(f"{maker} answered without a picture.")
    start = _DATA_URI.match(encoded)
    try:
        data = pybase64.b64decode(encoded[start.end() :] if start else encoded, validate=True)
    except ValueError as error:
        raise GenerationError(f"{maker} answered with a picture that cannot be read.") from error
    return check_picture(data, maker)


def check_picture(data: bytes, maker: str) -> bytes:
    """`data` itself, if it begins as an image does. Whether it is whole, the store finds out.

    Raises:
        GenerationError: it is empty, or something else.
    """
    if not data:
        raise GenerationError(f"{maker} answered with an empty picture.")
    found = sniff(data)
    if found not in IMAGE_TYPES:
        raise GenerationError(f"{maker} answered with {found or 'bytes'} instead of a picture.")
    return data


def read_draft(encoded: object, *, number: int, wanted: int, maker: str) -> Draft | None:
    """The `number`-th of `wanted` drafts, from 1; None if it cannot be used.

    A draft is shown for a moment and forgotten: one that is broken is no reason to fail.
    """
    if number > wanted:
        return None
    try:
        return Draft(data=decode_picture(encoded, maker), progress=number / (wanted + 1))
    except GenerationError:
        return None


def refusal(status: int, message: object, maker: str, wait: float | None = None) -> GenerationError:
    """The error that an HTTP status means.

    Args:
        status: of an answer that is no success.
        message: what the answer says of it.
        maker: the model's name.
        wait: seconds until the provider wants to be asked again, where it says.
    """
    if status in _PASSING or status >= _SERVER_ERROR:
        return ProviderUnavailableError(
            f"{maker} cannot draw now ({status}){_because(message)}.", retry_after=wait
        )
    if status in _KEY_REFUSED:  # the message may hold parts of the key
        return GenerationError(f"{maker} does not take the key that it is called with ({status}).")
    return GenerationError(f"{maker} did not take the request ({status}){_because(message)}.")


def moderated(message: object, maker: str) -> ModerationError:
    """The error of a prompt or picture that the provider's content policy forbids."""
    return ModerationError(f"{maker} refuses this by its content policy{_because(message)}.")


def failed(message: object, maker: str) -> GenerationError:
    """The error of a request that was taken and came to nothing."""
    return GenerationError(f"{maker} made no picture{_because(message)}.")


def cut_short(maker: str) -> ProviderUnavailableError:
    """The error of an answer that ends too early."""
    return ProviderUnavailableError(f"{maker} ended its answer before the picture was finished.")


def words_only(text: str, maker: str) -> GenerationError:
    """The error of an answer that says something and shows nothing."""
    return GenerationError(f"{maker} answered with words instead of a picture{_because(text)}.")


def wait_of(headers: Mapping[str, str], *, now: float) -> float | None:
    """Seconds until the answer's sender wants to be asked again (RFC 9110, section 10.2.3).

    Args:
        headers: of the answer; names are compared as the mapping does it.
        now: seconds since the epoch.
    """
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except ValueError:
        return None


def _because(message: object) -> str:
    words = clean_text(message, _MESSAGE_WEIGHT).rstrip(" .") if isinstance(message, str) else ""
    return f": {words}" if words else ""
