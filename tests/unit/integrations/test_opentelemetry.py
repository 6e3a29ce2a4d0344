"""Spans on their way to an exporter, with the SDK itself."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import (
    ReadableSpan,
    Span,
    SpanLimits,
    SpanProcessor,
    TracerProvider,
)
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from coatcheck.integrations.opentelemetry import ScrubSpanProcessor
from tests.media import png_bytes

PNG = png_bytes(400, 300)
BASE64 = base64.b64encode(PNG).decode()
NOTE = f"[image/png, {len(BASE64):,} characters of base64 left out]"
INLINE = re.compile(r"[A-Za-z0-9+/_-]{4096}")


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture(params=[SimpleSpanProcessor, BatchSpanProcessor])
def provider(
    request: pytest.FixtureRequest, exporter: InMemorySpanExporter
) -> Iterator[TracerProvider]:
    limits = SpanLimits(max_events=2, max_links=2, max_attributes=8, max_event_attributes=4)
    provider = TracerProvider(
        resource=Resource({"service.name": "chat"}), span_limits=limits, shutdown_on_exit=False
    )
    provider.add_span_processor(ScrubSpanProcessor(request.param(exporter)))
    yield provider
    provider.shutdown()


def exported(provider: TracerProvider, exporter: InMemorySpanExporter) -> tuple[ReadableSpan, ...]:
    assert provider.force_flush()
    return exporter.get_finished_spans()


def test_a_span_is_exported_without_inline_media(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    linked = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1))
    tracer = provider.get_tracer("agent", "1.2", attributes={"scope": "kept"})
    messages = json.dumps([{"parts": [{"type": "binary", "content": BASE64}]}])
    with tracer.start_as_current_span("parent") as parent:
        span = tracer.start_span(
            "chat",
            kind=SpanKind.CLIENT,
            attributes={"gen_ai.input.messages": messages, "model": "small", "tokens": 7},
            links=[Link(linked, {"picture": BASE64, "why": "follows"})],
            start_time=1_000,
        )
        span.set_attribute("content", [f"data:image/png;base64,{BASE64}", "text"])
        span.set_attribute("raw", PNG)
        span.add_event("result", {"output": BASE64, "finish": "stop"}, timestamp=1_500)
        span.set_status(Status(StatusCode.ERROR, f"cannot read {BASE64}"))
        span.end(2_000)
    assert isinstance(span, ReadableSpan)
    (shown, _) = exported(provider, exporter)
    assert dict(shown.attributes or {}) == {
        "gen_ai.input.messages": messages.replace(BASE64, NOTE),
        "model": "small",
        "tokens": 7,
        "content": (NOTE, "text"),
        "raw": f"[image/png, {len(PNG):,} bytes left out]".encode(),
    }
    (event,) = shown.events
    assert (event.name, event.timestamp) == ("result", 1_500)
    assert dict(event.attributes or {}) == {"output": NOTE, "finish": "stop"}
    (link,) = shown.links
    assert link.context == linked
    assert dict(link.attributes or {}) == {"picture": NOTE, "why": "follows"}
    assert shown.status.status_code is StatusCode.ERROR
    assert shown.status.description == f"cannot read {NOTE}"
    assert (shown.name, shown.kind) == ("chat", SpanKind.CLIENT)
    assert (shown.start_time, shown.end_time) == (1_000, 2_000)
    assert shown.context == span.get_span_context()
    assert shown.parent == parent.get_span_context()
    assert shown.resource is provider.resource
    assert shown.instrumentation_scope == span.instrumentation_scope
    assert dict(span.attributes or {})["gen_ai.input.messages"] == messages  # as it was recorded


def test_an_exception_is_exported_without_inline_media(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    tracer = provider.get_tracer("agent")
    with pytest.raises(ValueError, match="cannot read"), tracer.start_as_current_span("tool"):
        raise ValueError(f"cannot read {BASE64}")
    (shown,) = exported(provider, exporter)
    assert not INLINE.search(shown.to_json())
    (event,) = shown.events
    attributes = dict(event.attributes or {})
    assert attributes["exception.type"] == "ValueError"
    assert NOTE in str(attributes["exception.stacktrace"])
    assert shown.status.description == f"ValueError: cannot read {NOTE}"


def test_what_the_limits_of_the_sdk_dropped_is_still_counted(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    linked = [Link(SpanContext(1, n, is_remote=True), {"n": n}) for n in (2, 3, 4)]
    span = provider.get_tracer("agent").start_span("chat", links=linked)
    for number in range(9):
        span.set_attribute(f"picture {number}", BASE64)
    for number in range(5):
        span.add_event("event", {"a": number, "b": 1, "c": 2, "d": 3, "e": 4})
    span.end()
    (shown,) = exported(provider, exporter)
    assert isinstance(span, ReadableSpan)
    dropped = (shown.dropped_attributes, shown.dropped_events, shown.dropped_links)
    assert dropped == (span.dropped_attributes, span.dropped_events, span.dropped_links)
    assert dropped == (1, 3, 1)
    assert [event.dropped_attributes for event in shown.events] == [1, 1]
    assert set(dict(shown.attributes or {}).values()) == {NOTE}


class Recording(SpanProcessor):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self.told.append(("start", span, parent_context))

    def _on_ending(self, span: Span) -> None:
        self.told.append(("ending", span))

    def on_end(self, span: ReadableSpan) -> None:
        self.told.append(("end", span))

    def shutdown(self) -> None:
        self.told.append(("shutdown",))

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        self.told.append(("flush", timeout_millis))
        return False


def test_a_span_without_media_is_handed_on_as_it_is() -> None:
    recording, beside = Recording(), Recording()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(ScrubSpanProcessor(recording))
    provider.add_span_processor(beside)
    with provider.get_tracer("agent").start_as_current_span("chat", attributes={"a": "b"}) as span:
        span.add_event("event", {"c": "d"})
    assert [told[0] for told in recording.told] == ["start", "ending", "end"]
    assert recording.told[2][1] is beside.told[2][1]


def test_everything_that_the_sdk_tells_is_handed_on() -> None:
    recording = Recording()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(ScrubSpanProcessor(recording))
    parent = Context({"key": "value"})
    span = provider.get_tracer("agent").start_span("chat", parent, attributes={"picture": BASE64})
    span.end()
    provider.force_flush(17)
    provider.shutdown()
    (_, ended), (_, timeout) = recording.told[2:4]
    assert recording.told == [
        ("start", span, parent),
        ("ending", span),
        ("end", ended),
        ("flush", timeout),
        ("shutdown",),
    ]
    assert dict(ended.attributes) == {"picture": NOTE}
    assert 0 < timeout <= 17
    assert not ScrubSpanProcessor(recording).force_flush()


def test_an_unsampled_span_passes(exporter: InMemorySpanExporter) -> None:
    processor = ScrubSpanProcessor(SimpleSpanProcessor(exporter))
    context = SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(0))
    processor.on_end(ReadableSpan("x", context=context, attributes={"picture": BASE64}))
    processor.on_end(ReadableSpan(BASE64))
    assert exporter.get_finished_spans() == ()
