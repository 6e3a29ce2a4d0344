"""Media inside payloads: what `coatcheck.offload` and its siblings take and give.

The functions themselves are in `coatcheck`. Here are their limits, reports and policies, the shapes
in which frameworks carry media, and the pieces that a chat of its own puts messages together with.
The ``data-media`` part is a module, `coatcheck.media_part`.
"""

from typing import TYPE_CHECKING

from coatcheck.lazy import lazily

if TYPE_CHECKING:
    from coatcheck.payload.hydrate import HydrationReport
    from coatcheck.payload.hydration.policies import (
        HydrationPolicy,
        Occurrence,
        latest,
        never,
        requested,
        stable,
        within,
    )
    from coatcheck.payload.hydration.providers import (
        ANTHROPIC_LIMITS,
        BEDROCK_LIMITS,
        GEMINI_LIMITS,
        OPENAI_LIMITS,
        RESPONSES_LIMITS,
        Agno,
        AiSdkUi,
        Anthropic,
        BedrockConverse,
        Gemini,
        Haystack,
        LlamaIndex,
        MediaLimits,
        MessageForm,
        OpenAIChat,
        OpenAIResponses,
        Provider,
        estimate_tokens,
    )
    from coatcheck.payload.offload import OffloadLimits, OffloadReport
    from coatcheck.payload.projection import shown_ids
    from coatcheck.payload.restore import RestoreReport
    from coatcheck.payload.results import result_line, result_urls
    from coatcheck.payload.scanning.inline import has_inline_media
    from coatcheck.payload.shapes import DEFAULT_SHAPES
    from coatcheck.payload.shapes.codec import (
        Framing,
        Inline,
        Node,
        Original,
        Replacement,
        Shape,
        Shapes,
    )
    from coatcheck.payload.splicing import Spliced, is_spliced, join, splice_out

__all__ = [
    "ANTHROPIC_LIMITS",
    "BEDROCK_LIMITS",
    "DEFAULT_SHAPES",
    "GEMINI_LIMITS",
    "OPENAI_LIMITS",
    "RESPONSES_LIMITS",
    "Agno",
    "AiSdkUi",
    "Anthropic",
    "BedrockConverse",
    "Framing",
    "Gemini",
    "Haystack",
    "HydrationPolicy",
    "HydrationReport",
    "Inline",
    "LlamaIndex",
    "MediaLimits",
    "MessageForm",
    "Node",
    "Occurrence",
    "OffloadLimits",
    "OffloadReport",
    "OpenAIChat",
    "OpenAIResponses",
    "Original",
    "Provider",
    "Replacement",
    "RestoreReport",
    "Shape",
    "Shapes",
    "Spliced",
    "estimate_tokens",
    "has_inline_media",
    "is_spliced",
    "join",
    "latest",
    "never",
    "requested",
    "result_line",
    "result_urls",
    "shown_ids",
    "splice_out",
    "stable",
    "within",
]

if not TYPE_CHECKING:  # a type checker would take any name for one of these
    __getattr__ = lazily(
        __name__,
        {
            "coatcheck.payload.hydrate": ["HydrationReport"],
            "coatcheck.payload.hydration.policies": [
                "HydrationPolicy",
                "Occurrence",
                "latest",
                "never",
                "requested",
                "stable",
                "within",
            ],
            "coatcheck.payload.hydration.providers": [
                "ANTHROPIC_LIMITS",
                "BEDROCK_LIMITS",
                "GEMINI_LIMITS",
                "OPENAI_LIMITS",
                "RESPONSES_LIMITS",
                "Agno",
                "AiSdkUi",
                "Anthropic",
                "BedrockConverse",
                "Gemini",
                "Haystack",
                "LlamaIndex",
                "MediaLimits",
                "MessageForm",
                "OpenAIChat",
                "OpenAIResponses",
                "Provider",
                "estimate_tokens",
            ],
            "coatcheck.payload.offload": ["OffloadLimits", "OffloadReport"],
            "coatcheck.payload.projection": ["shown_ids"],
            "coatcheck.payload.restore": ["RestoreReport"],
            "coatcheck.payload.results": ["result_line", "result_urls"],
            "coatcheck.payload.scanning.inline": ["has_inline_media"],
            "coatcheck.payload.shapes": ["DEFAULT_SHAPES"],
            "coatcheck.payload.shapes.codec": [
                "Framing",
                "Inline",
                "Node",
                "Original",
                "Replacement",
                "Shape",
                "Shapes",
            ],
            "coatcheck.payload.splicing": ["Spliced", "is_spliced", "join", "splice_out"],
        },
    )
