"""Jupyter: MIME bundles of ``display_data`` and notebooks. Pure.

https://nbformat.readthedocs.io/en/latest/format_description.html#display-data
"""

from typing import Any, Final

from coatcheck.payload.links import Links
from coatcheck.payload.shapes.codec import (
    Inline,
    Node,
    Original,
    Replacement,
    exchange,
    object_of,
    text_of,
)

REFERENCE_TYPE: Final = "application/vnd.coatcheck.reference+json"
"""The bundle's key for a reference: readers show the richest type that they know."""

_IMAGES: Final = ("image/png", "image/jpeg", "image/webp", "image/gif")


class JupyterBundle:
    """``{"image/png": base64, "text/plain": …}`` ↔ the reference and an HTML image."""

    members = frozenset(_IMAGES)

    def recognize(self, node: Node) -> Inline | None:
        for kind in _IMAGES:
            data = text_of(node, kind)
            if data is not None:
                return Inline(media=data, media_type=kind)
        return None

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        kind = next(kind for kind in _IMAGES if text_of(node, kind) is not None)
        bundle = exchange(node, kind, REFERENCE_TYPE, replacement.body)
        # Where there is HTML already, that is the richer answer and stays.
        bundle.setdefault("text/html", f'<img src="{replacement.link}">')
        return bundle

    def linked(self, node: Node, links: Links) -> str | None:
        return text_of(object_of(node, REFERENCE_TYPE), "id")

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        bundle = exchange(node, REFERENCE_TYPE, original.reference.mime_type, original.base64)
        html = text_of(bundle, "text/html") or ""
        if html.startswith('<img src="') and original.reference.id in html:
            del bundle["text/html"]
        return bundle


SHAPES = (JupyterBundle(),)
