"""What the middleware did, by route: warnings for the log, and a page for people."""

import logging
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from starlette.routing import Mount
from starlette.types import Scope

from coatcheck.payload.offload import OffloadReport

MAX_ROUTES: Final = 200
"""Templates of routes that are counted by themselves, and as many paths of requests whose framework
names no template; what is done for any others is counted together."""

OTHER_ROUTES: Final = "(other routes)"
"""The name of those."""

MAX_WARNED_PATHS: Final = 50
"""Paths without a template that are warned of; the others are counted only."""

_MAX_PLACES: Final = 20
_LONGEST_ROUTE: Final = 200
_LONGEST_PLACE: Final = 300
_UNNAMED: Final = "{…}"
# What developers name routes; numbers, ids, tokens and file names of users are something else.
_WORD: Final = r"(?:[A-Za-z][a-z]{0,14}(?:[A-Z][a-z]{2,14}){0,2}|[A-Z]{2,4})[0-9]{0,2}"
_NAME: Final = re.compile(rf"(?=.{{1,40}}\Z)[._]?{_WORD}(?:[-_.]{_WORD}){{0,4}}")

_log: Final = logging.getLogger("coatcheck.offload")


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteReport:
    """What was done for one route.

    Attributes:
        route: the method and the path, ``WS`` for a WebSocket: its template where the framework
            tells it, else with ``{…}`` in the place of what may be an id or a token.
        messages: bodies, events and frames that held media, or that could not be looked at.
        offloaded: media that a reference stands for.
        bytes_before: characters of base64 that were replaced.
        bytes_after: characters of what stands in their place.
        restored: references in requests whose media was put back.
        left: why something stayed as it was, and how many times.
        places: where, by the same reasons: JSON Pointers, the first 20 that differ.
    """

    route: str
    messages: int
    offloaded: int
    bytes_before: int
    bytes_after: int
    restored: int
    left: Mapping[str, int]
    places: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class MiddlewareReport:
    """What a middleware did since it was made. As a string it is a page for people.

    Attributes:
        routes: what it did for each route, the one that saved most first.
    """

    routes: tuple[RouteReport, ...]

    @property
    def saved(self) -> int:
        """Characters that were not sent."""
        return sum(one.bytes_before - one.bytes_after for one in self.routes)

    def __str__(self) -> str:
        if not self.routes:
            return "No inline media was seen.\n"
        lines = [f"Saved {self.saved:,} characters of base64.", ""]
        for one in self.routes:
            lines.append(one.route)
            if one.offloaded:
                lines.append(
                    f"  {one.offloaded} taken out: {one.bytes_before:,} characters became"
                    f" {one.bytes_after:,}"
                )
            if one.restored:
                lines.append(f"  {one.restored} put back into requests")
            for reason, count in sorted(one.left.items()):
                lines.append(f"  {count} left: {reason}, {_EXPLAINED.get(reason, _BY_CODE)}")
                lines += [f"    at {place or '(the whole body)'}" for place in one.places[reason]]
        return "\n".join(lines) + "\n"


@dataclass(slots=True)
class _Counted:
    messages: int = 0
    offloaded: int = 0
    before: int = 0
    after: int = 0
    restored: int = 0
    left: Counter[str] = field(default_factory=Counter)
    places: dict[str, dict[str, None]] = field(default_factory=dict)

    def add(self, other: "_Counted") -> None:
        """Count what was counted elsewhere, without its places."""
        self.messages += other.messages
        self.offloaded += other.offloaded
        self.before += other.before
        self.after += other.after
        self.restored += other.restored
        self.left += other.left


class Ledger:
    """Counts what a middleware does, and warns once for each reason and route."""

    def __init__(self) -> None:
        self._templates: dict[str, _Counted] = {}
        self._paths: dict[str, _Counted] = {}
        self._others = _Counted()
        self._warned_paths: set[str] = set()
        self.totals = OffloadReport()

    def offloaded(self, scope: Scope, report: OffloadReport) -> None:
        """Count what was done to a message that was sent."""
        # References would pile up for as long as the process lives.
        self.totals += replace(report, references=())
        route, counted = self._count(scope)
        counted.messages += 1
        counted.offloaded += report.offloaded
        counted.before += report.bytes_before
        counted.after += report.bytes_after
        for reason, count in report.left.items():
            self._leave(route, counted, reason, count, report.places.get(reason, ()))

    def restored(self, scope: Scope, restored: int, left: Mapping[str, list[str]]) -> None:
        """Count what was done to a message that was received.

        Args:
            scope: the request or the socket.
            restored: references whose media was put back.
            left: why others were left, and where they stand.
        """
        if not restored and not left:
            return
        route, counted = self._count(scope)
        counted.messages += 1
        counted.restored += restored
        for reason, places in left.items():
            self._leave(route, counted, reason, len(places), places)

    def report(self) -> MiddlewareReport:
        """All of it, as it is now."""
        counted = {**self._templates, **self._paths}
        if self._others.messages:
            counted[OTHER_ROUTES] = self._others
        routes = [
            RouteReport(
                route=route,
                messages=one.messages,
                offloaded=one.offloaded,
                bytes_before=one.before,
                bytes_after=one.after,
                restored=one.restored,
                left=dict(one.left),
                places={reason: tuple(one.places.get(reason, ())) for reason in one.left},
            )
            for route, one in counted.items()
        ]
        routes.sort(key=lambda one: one.bytes_after - one.bytes_before)
        return MiddlewareReport(tuple(routes))

    def _count(self, scope: Scope) -> tuple[str, _Counted]:
        route, is_template = _route_of(scope)
        known = self._templates if is_template else self._paths
        if route not in known and len(known) >= MAX_ROUTES:
            if is_template:
                return OTHER_ROUTES, self._others
            # Paths that a client made up are asked for once; those of the application stay.
            rarest = min(known, key=lambda path: known[path].messages)
            self._others.add(known.pop(rarest))
        return route, known.setdefault(route, _Counted())

    def _is_warned_of(self, route: str) -> bool:
        """Whether the log names a route: a client cannot fill it with paths that it made up."""
        if route in self._templates or route in self._warned_paths:
            return True
        if len(self._warned_paths) >= MAX_WARNED_PATHS:
            return False
        self._warned_paths.add(route)
        return True

    def _leave(
        self,
        route: str,
        counted: _Counted,
        reason: str,
        count: int,
        places: tuple[str, ...] | list[str],
    ) -> None:
        is_first = reason not in counted.left
        counted.left[reason] += count
        named = counted.places.setdefault(reason, {})
        for place in places:
            if len(named) < _MAX_PLACES:
                named[place[:_LONGEST_PLACE]] = None
        if is_first and self._is_warned_of(route):
            _log.warning(
                "%s: inline media is left as it is (%s)%s: %s. More of the same on this route is"
                " counted and not logged; report() shows all of it.",
                route,
                reason,
                "".join(f" at {place!r}" for place in list(named)[:1]),
                _EXPLAINED.get(reason, _BY_CODE),
            )


_BY_CODE: Final = "the code of an error, see docs/reference/errors.md"
_EXPLAINED: Final[Mapping[str, str]] = {
    "another_owner": "a reference in a request to media of somebody else",
    "begun_before_pause": "the stream paused in the first characters of media, which were sent",
    "compressed": "the body has a content coding that cannot be read here, or breaks off in it; for"
    " Brotli and Zstandard install coatcheck[compression]",
    "expired": "a reference in a request whose signed URL has expired; with access= or owner= the"
    " media is put back for as long as the client may read it",
    "forbidden": "a reference in a request whose URL is not signed",
    "message_too_large": "the body or event is larger than what is held",
    "not_found": "a reference in a request to media that there is not",
    "quota_exceeded": "there is no room left (owner_bytes)",
    "request_too_large": "the request is larger than what media is put back into",
    "text_too_large": "a text that is no JSON is larger than 8 MiB",
    "too_deep": "it nests too deep",
    "too_many_values": "there are too many values",
    "unauthorized": "a reference in a request that is not authenticated",
    "unexpected": "something failed; the log has it",
    "unknown_shape": "base64 in a shape that is not known; the page may need it as it is",
}


def _route_of(scope: Scope) -> tuple[str, bool]:
    """The method and the path of a request, the same for all that differ in parameters alone.

    Returns:
        Both as one text, and whether the path is a template that the framework told.
    """
    method = "WS" if scope["type"] == "websocket" else scope.get("method", "")
    template = _template_of(scope)
    path = _anonymous(scope) if template is None else template
    cleaned = "".join(character for character in path if character.isprintable())
    return f"{method} {cleaned[:_LONGEST_ROUTE]}", template is not None


def _template_of(scope: Scope) -> str | None:
    """The template of the route that answers: of Starlette and FastAPI, and of Litestar."""
    route = scope.get("route")
    template: Any = getattr(route, "path_format", None)
    if isinstance(template, str) and not isinstance(route, Mount):  # what is mounted names none
        return _without_ids(scope.get("root_path", "")) + template
    template = scope.get("path_template")
    return template if isinstance(template, str) and template else None


def _anonymous(scope: Scope) -> str:
    """The path with the names of its parameters, or ``{…}``, in the place of what is no name."""
    named = {str(value): name for name, value in scope.get("path_params", {}).items()}
    parts = scope.get("path", "").split("/")
    return "/".join(f"{{{named[part]}}}" if part in named else _without_ids(part) for part in parts)


def _without_ids(path: str) -> str:
    return "/".join(
        part if not part or _NAME.fullmatch(part) else _UNNAMED for part in path.split("/")
    )
