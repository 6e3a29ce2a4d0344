"""OpenTelemetry: spans without inline media. Needs ``opentelemetry-sdk``.

Frameworks write whole prompts, messages and tools' results into spans, pictures included.
"""

from collections.abc import Sequence
from typing import TypeVar

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import Link, Status
from opentelemetry.util.types import Attributes

from coatcheck.payload.scrubbing import scrub

__all__ = ["ScrubSpanProcessor"]

T = TypeVar("T")


class ScrubSpanProcessor(SpanProcessor):
    """Hands ended spans on without inline media (see `scrub`).

    A span that carries some is handed on as a copy without it in its name, attributes, events,
    links and status. The ended span itself cannot be changed, so processors beside this one see
    what was recorded. Any other span is handed on as it is.

    Args:
        next_processor: gets the spans, for example a ``BatchSpanProcessor``.
    """

    def __init__(self, next_processor: SpanProcessor) -> None:
        self._next = next_processor

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Hand on a span that has started.

        Args:
            span: the span.
            parent_context: the context that it was started in.
        """
        self._next.on_start(span, parent_context)

    def _on_ending(self, span: Span) -> None:
        # The SDK calls this last chance to change a span on processors that wrap others as well.
        self._next._on_ending(span)  # noqa: SLF001 - there is no public name yet

    def on_end(self, span: ReadableSpan) -> None:
        """Hand on a span that has ended.

        Args:
            span: the span.
        """
        self._next.on_end(_scrub_span(span))

    def shutdown(self) -> None:
        """Shut the next processor down."""
        self._next.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Have the next processor export what it holds; false if that took too long.

        Args:
            timeout_millis: how long that may take, in milliseconds.
        """
        return self._next.force_flush(timeout_millis)


def _scrub_span(span: ReadableSpan) -> ReadableSpan:
    recorded = (
        span.name,
        span.attributes,
        span.status.description,
        [(event.name, event.attributes) for event in span.events],
        [link.attributes for link in span.links],
    )
    scrubbed = scrub(recorded)
    if scrubbed is recorded:
        return span
    name, attributes, description, of_events, of_links = scrubbed
    events = [
        Event(name, _attributes(attributes, event.dropped_attributes), event.timestamp)
        for event, (name, attributes) in zip(span.events, of_events, strict=True)
    ]
    links = [
        Link(link.context, _attributes(attributes, link.dropped_attributes))
        for link, attributes in zip(span.links, of_links, strict=True)
    ]
    return ReadableSpan(
        name=name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_attributes(attributes, span.dropped_attributes),
        events=_items(events, span.dropped_events),
        links=_items(links, span.dropped_links),
        kind=span.kind,
        status=Status(span.status.status_code, description),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _attributes(values: Attributes, dropped: int) -> BoundedAttributes:
    attributes = BoundedAttributes(attributes=values)
    attributes.dropped = dropped  # what the SDK's limits cost is exported as a count
    return attributes


def _items(values: Sequence[T], dropped: int) -> Sequence[T]:
    items = BoundedList.from_seq(None, values)
    items.dropped = dropped
    return items
