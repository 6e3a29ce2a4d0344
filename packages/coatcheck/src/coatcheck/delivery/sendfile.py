"""Leaving the bytes of an original to the proxy in front: ``X-Accel-Redirect``, ``X-Sendfile``.

The application still decides who gets what and under which headers; only the copying is the
proxy's. ``docs/how-to/nginx.md`` has the configuration that goes with it.
"""

import re
from typing import Final, Self

from starlette.datastructures import Headers

from coatcheck.errors import ConfigurationError
from coatcheck.ports import LocalPaths

_ACCEL: Final = "x-accel-redirect"
_PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
# A proxy would judge these by validators of its own: the time of the file, which says nothing.
_JUDGED_BY_THE_PROXY: Final = ("if-match", "if-unmodified-since")


class SendFile:
    """Names the file that the proxy is to send.

    Args:
        paths: which blobs lie where this server and the proxy can both read them.
        prefix: the proxy's internal location of the blobs, for ``X-Accel-Redirect``; None for
            ``X-Sendfile`` with the path in the file system.
    """

    def __init__(self, paths: LocalPaths, prefix: str | None) -> None:
        self._paths = paths
        self._prefix = prefix

    @classmethod
    def parse(cls, setting: str, paths: LocalPaths) -> Self | None:
        """Parse the setting: ``off``, ``x-sendfile`` or ``x-accel-redirect:/prefix``.

        Raises:
            ConfigurationError: it is none of these.
        """
        if setting == "off":
            return None
        if setting == "x-sendfile":
            return cls(paths, None)
        header, _, prefix = setting.partition(":")
        if header != _ACCEL or not _PREFIX.fullmatch(prefix.rstrip("/")):
            raise ConfigurationError(
                "The choices are off, x-sendfile and x-accel-redirect:/internal/prefix."
            )
        return cls(paths, prefix.rstrip("/"))

    async def find(self, digest: str, size: int, request: Headers) -> tuple[str, str] | None:
        """The header that makes the proxy send the blob, or None where this server must.

        Args:
            digest: the blob's.
            size: its recorded length; a file of another length is left to this server to refuse.
            request: the headers of the request.
        """
        if any(name in request for name in _JUDGED_BY_THE_PROXY):
            return None
        found = await self._paths.local_path(digest, size=size)
        if found is None:
            return None
        root, path = found
        if self._prefix is None:
            return "x-sendfile", str(root / path)
        return _ACCEL, f"{self._prefix}/{path}"
