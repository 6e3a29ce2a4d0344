"""Which modules and names are public, and that the chat uses no others.

A name that is added to a public module fails a test until it is written here: it is then a promise,
and belongs in ``docs/reference/python.md``.
"""

import ast
import importlib
import pkgutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

import coatcheck
from tests.architecture.test_docs import REFERENCE, code, read, rows, sections
from tests.docs.blocks import all_blocks

ROOT: Final = Path(__file__).parents[2]
LIBRARY: Final = ROOT / "packages/coatcheck/src"
CHAT: Final = ROOT / "packages/coatcheck-chat/src"

PUBLIC: Final[dict[str, list[str]]] = {
    "coatcheck": [
        "CoatcheckError",
        "MediaReference",
        "MediaStore",
        "MediaUrls",
        "OffloadMiddleware",
        "ScrubFilter",
        "__version__",
        "for_model",
        "for_storage",
        "for_ui",
        "hydrate",
        "offload",
        "offload_stream",
        "offload_tool",
        "open_store",
        "restore",
        "scrub",
        "wrap",
    ],
    "coatcheck.errors": [
        "CoatcheckError",
        "ConfigurationError",
        "DamagedBlobError",
        "DataInUseError",
        "EmptyMediaError",
        "ExpiredUrlError",
        "FetchError",
        "FetchRefusedError",
        "ForbiddenError",
        "InvalidInputError",
        "InvalidRangeError",
        "MediaTooLargeError",
        "MethodNotAllowedError",
        "NotFoundError",
        "NotReadyError",
        "OverloadedError",
        "PixelBudgetError",
        "PreconditionFailedError",
        "QuotaExceededError",
        "RateLimitError",
        "SlowReaderError",
        "StorageError",
        "StorageFullError",
        "TooManySocketsError",
        "UnauthorizedError",
        "UnprocessableMediaError",
        "UnsupportedMediaError",
        "UploadTimeoutError",
        "VariantBudgetError",
        "WorkerCrashError",
        "WorkerError",
        "WorkerTimeoutError",
    ],
    "coatcheck.reference": [
        "ALT_WEIGHT",
        "REFERENCE_TYPE",
        "URI_SCHEME",
        "MediaReference",
        "MediaUrls",
        "Signer",
        "clean_text",
        "is_reference_id",
        "normalize_reference_id",
    ],
    "coatcheck.store": [
        "IMAGE_TYPES",
        "RASTER_TYPES",
        "THUMBNAIL",
        "BlobFinding",
        "Fetcher",
        "Inspected",
        "ListedMedia",
        "MediaCursor",
        "MediaRecord",
        "MediaStore",
        "MediaStream",
        "Participant",
        "RenderedImage",
        "Schema",
        "SharedDatabase",
        "SharedTransaction",
        "Shrinker",
        "Swatch",
        "VariantRecord",
        "VariantSpec",
        "extension_for",
        "sniff",
    ],
    "coatcheck.edits": [
        "COLOR_NAMES",
        "MAX_EDITS",
        "Blur",
        "Brightness",
        "Contrast",
        "Crop",
        "Edit",
        "Flip",
        "Grayscale",
        "Resize",
        "Rotate",
        "Saturation",
        "Text",
        "edited_size",
        "edits_schema",
        "parse_edits",
        "summarize",
    ],
    "coatcheck.payload": [
        "ANTHROPIC_LIMITS",
        "Agno",
        "AiSdkUi",
        "Anthropic",
        "BEDROCK_LIMITS",
        "BedrockConverse",
        "DEFAULT_SHAPES",
        "Framing",
        "GEMINI_LIMITS",
        "Gemini",
        "Haystack",
        "HydrationPolicy",
        "HydrationReport",
        "Inline",
        "LlamaIndex",
        "MediaLimits",
        "MessageForm",
        "Node",
        "OPENAI_LIMITS",
        "Occurrence",
        "OffloadLimits",
        "OffloadReport",
        "OpenAIChat",
        "OpenAIResponses",
        "Original",
        "Provider",
        "RESPONSES_LIMITS",
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
    ],
    "coatcheck.media_part": [
        "MEDIA_PART",
        "failed",
        "is_preview",
        "media_part",
        "pending",
        "preview",
        "ready",
    ],
    "coatcheck.delivery": [
        "EXCEPTION_HANDLERS",
        "Authorizer",
        "ClientAllowance",
        "ClientLimits",
        "Keyring",
        "Metrics",
        "OpenAccess",
        "PreviewBoard",
        "PreviewStore",
        "Principal",
        "PrincipalAccess",
        "ProblemResponse",
        "SignedAccess",
        "SignedCookie",
        "UrlSigner",
        "answer_error",
        "client_of",
        "is_same_origin",
        "media_app",
        "media_list",
        "negotiate_encoding",
        "read_body",
        "require_same_origin",
    ],
    "coatcheck.server": [
        "MediaService",
        "RunningMediaService",
        "Settings",
        "read_keyring",
        "read_settings",
    ],
    "coatcheck.cli": [
        "Host",
        "Port",
        "Version",
        "main",
        "run",
        "serve",
    ],
    "coatcheck.legacy": [
        "LEGACY_SHAPES",
        "LEGACY_TEXTS",
        "may_be_legacy",
        "modernize_message",
        "summarize",
    ],
    "coatcheck.workers": [
        "WorkerLimits",
        "WorkerPool",
    ],
    "coatcheck.integrations.opentelemetry": [
        "ScrubSpanProcessor",
    ],
}
LAZY: Final = [
    "coatcheck",
    "coatcheck.cli",
    "coatcheck.delivery",
    "coatcheck.payload",
    "coatcheck.server",
]


def loaded_by(statement: str) -> set[str]:
    """The modules that a fresh process has loaded after a statement."""
    script = f"import sys; {statement}; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


def source(module: str) -> Path:
    path = LIBRARY.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


# --- what is public ------------------------------------------------------------------------------


@pytest.mark.parametrize("module", PUBLIC)
def test_the_public_names_are_a_decision(module: str) -> None:
    assert sorted(importlib.import_module(module).__all__) == sorted(PUBLIC[module])


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_there(module: str) -> None:
    home = importlib.import_module(module)
    for name in PUBLIC[module]:
        assert getattr(home, name) is not None
        # `from coatcheck.payload import hydrate` would give whichever was imported first.
        assert not isinstance(getattr(home, name), ModuleType)
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'missing'"):
        _ = home.missing


def test_every_module_is_public_or_kept_from_the_chat() -> None:
    contracts = tomllib.loads(read(ROOT / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    (contract,) = [one for one in contracts if one.get("source_modules") == ["coatcheck_chat"]]
    forbidden = set(contract["forbidden_modules"])
    assert "coatcheck.*.*" in forbidden
    found = pkgutil.iter_modules(coatcheck.__path__, "coatcheck.")
    modules = {one.name for one in found} - {"coatcheck.__main__"}
    public = set(PUBLIC) & modules
    assert modules - public == forbidden - {"coatcheck.*.*"}


# --- what is loaded when -------------------------------------------------------------------------


def offered(module: str) -> dict[str, str]:
    """By name, the module that a type checker finds it in."""
    (block,) = [
        node
        for node in ast.parse(read(source(module))).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return {
        alias.name: str(node.module)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


@pytest.mark.parametrize("module", LAZY)
def test_a_name_is_the_one_that_type_checkers_see(module: str) -> None:
    home = importlib.import_module(module)
    seen = offered(module)
    assert set(seen) == {name for name in home.__all__ if name != "main"}
    for name, defined in seen.items():
        assert getattr(home, name) is getattr(importlib.import_module(defined), name), name


@pytest.mark.parametrize("module", LAZY)
def test_importing_a_package_loads_none_of_what_it_offers(module: str) -> None:
    loaded = loaded_by(f"import {module}")
    assert loaded.isdisjoint({"sqlalchemy", "pyvips", "starlette", "msgspec", "typer", "pydantic"})
    assert loaded.isdisjoint(offered(module).values())


@pytest.mark.parametrize(
    ("module", "costly"),
    [
        ("coatcheck.errors", {"anyio", "msgspec"}),
        ("coatcheck.reference", {"anyio", "msgspec"}),
        ("coatcheck.media_part", {"anyio", "msgspec"}),
        ("coatcheck.edits", {"anyio", "pyvips", "sqlalchemy"}),
        ("coatcheck.store", {"pyvips", "sqlalchemy", "starlette"}),
        ("coatcheck.legacy", {"pyvips", "sqlalchemy", "starlette"}),
        ("coatcheck.workers", {"pyvips", "sqlalchemy", "starlette"}),
    ],
)
def test_a_module_loads_no_engine_that_it_does_not_use(module: str, costly: set[str]) -> None:
    assert loaded_by(f"import {module}").isdisjoint(costly)


def test_a_worker_loads_what_it_works_with() -> None:
    loaded = loaded_by("import coatcheck.workers.child, coatcheck.imaging.tasks")
    assert loaded.isdisjoint({"sqlalchemy", "starlette", "coatcheck.store", "coatcheck.payload"})


# --- what the chat takes -------------------------------------------------------------------------


def taken(text: str) -> Iterator[tuple[str, str]]:
    """What a program imports from the library: the module and the name, which may be empty."""
    for node in ast.walk(ast.parse(text)):
        found: list[tuple[str, str]] = []
        if isinstance(node, ast.Import):
            found = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found = [(str(node.module), alias.name) for alias in node.names]
        yield from (one for one in found if one[0].partition(".")[0] == "coatcheck")


def is_public(module: str, name: str) -> bool:
    if f"{module}.{name}" in PUBLIC:  # a module, imported from its package
        return True
    return module in PUBLIC and (name == "" or name in PUBLIC[module])


def private(programs: Iterable[tuple[Path, str]]) -> tuple[int, list[str]]:
    """How much programs import from the library, and what of that is private."""
    imported = [(path, module, name) for path, text in programs for module, name in taken(text)]
    found = [
        f"{path.relative_to(ROOT)}: {module} {name}"
        for path, module, name in imported
        if not is_public(module, name)
    ]
    return len(imported), found


def test_the_chat_imports_public_names_only() -> None:
    count, found = private((path, read(path)) for path in CHAT.rglob("*.py"))
    assert found == []
    assert count > 150


def test_the_documentation_and_the_examples_import_public_names_only() -> None:
    blocks = [(one.page, one.text) for one in all_blocks() if one.language == "python"]
    examples = [(path, read(path)) for path in (ROOT / "examples").rglob("*.py")]
    count, found = private([*blocks, *examples])
    assert found == []
    assert count > 30


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        ("import coatcheck.cli", True),
        ("from coatcheck import media_part, offload", True),
        ("from coatcheck.store import MediaStore", True),
        ("import coatcheck.opening", False),
        ("from coatcheck import opening", False),
        ("from coatcheck.store import media_store", False),
        ("from coatcheck.store.media_store import MediaStore", False),
        ("from coatcheck.edits import walk", False),
        ("from coatcheck.payload import offload", False),
        ("def f():\n    from coatcheck.ports import Catalog", False),
    ],
)
def test_a_private_name_is_found(line: str, *, allowed: bool) -> None:
    assert [is_public(module, name) for module, name in taken(line)] != []
    assert all(is_public(module, name) for module, name in taken(line)) is allowed


# --- what is documented --------------------------------------------------------------------------


def test_every_public_module_has_its_names_in_the_reference() -> None:
    by_title = sections(read(REFERENCE / "python.md"), 3)
    for module in PUBLIC:
        if module in {"coatcheck", "coatcheck.errors"}:
            continue  # test_docs.py compares the table above, and the page of errors
        documented = [name for row in rows(by_title[module]) for name in code(row[0])]
        assert sorted(documented) == sorted(PUBLIC[module]), module
