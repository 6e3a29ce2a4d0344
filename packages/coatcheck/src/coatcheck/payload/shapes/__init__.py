"""The shapes in which frameworks carry media, one small codec each.

Offloading and restoring use `DEFAULT_SHAPES`. Add your own with
``DEFAULT_SHAPES.preceded_by(MyShape())``. ``docs/reference/shapes.md`` lists them all.
"""

from coatcheck.payload.shapes import (
    ag_ui,
    agno,
    ai_sdk,
    anthropic,
    bedrock,
    gemini,
    haystack,
    jupyter,
    langchain,
    llama_index,
    mcp,
    openai,
    pydantic_ai,
)
from coatcheck.payload.shapes.codec import (
    Framing,
    Inline,
    Node,
    Original,
    Replacement,
    Shape,
    Shapes,
)

DEFAULT_SHAPES = Shapes(
    [
        *pydantic_ai.SHAPES,
        *langchain.SHAPES,  # before MCP, which would take its version 0 for one of its own
        *mcp.SHAPES,
        *anthropic.SHAPES,
        *gemini.SHAPES,
        *openai.SHAPES,
        *ai_sdk.SHAPES,
        *ag_ui.SHAPES,
        *jupyter.SHAPES,
        *bedrock.SHAPES,
        *llama_index.SHAPES,
        *haystack.SHAPES,
        *agno.SHAPES,
    ]
)
"""Every known shape, in the order of precedence."""

__all__ = [
    "DEFAULT_SHAPES",
    "Framing",
    "Inline",
    "Node",
    "Original",
    "Replacement",
    "Shape",
    "Shapes",
]
