"""Names in a setting, and the providers behind them."""

import subprocess
import sys
from pathlib import Path

import pytest

from coatcheck.errors import ConfigurationError
from coatcheck.fetching import AddressPolicy, FetchClient
from coatcheck.workers import WorkerPool
from coatcheck_chat.app import create_app
from coatcheck_chat.painting import PAINTERS
from coatcheck_chat.providers.budgeted import BudgetedProvider
from coatcheck_chat.providers.compatible import CompatibleImages
from coatcheck_chat.providers.fallback import FallbackProvider
from coatcheck_chat.providers.gemini import GeminiImages
from coatcheck_chat.providers.image import ImageProvider
from coatcheck_chat.providers.openai_images import OpenAIImages
from coatcheck_chat.providers.openai_responses import OpenAIResponses
from coatcheck_chat.providers.procedural import ProceduralProvider
from coatcheck_chat.providers.registry import Imagery
from coatcheck_chat.providers.retrying import RetryingProvider
from coatcheck_chat.settings import Settings


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("GEMINI_API_KEY", "gemini-test")


def opened(providers: str, **settings: object) -> Imagery:
    return Imagery(Settings.model_validate({"providers": providers} | settings))


def unwrapped(provider: ImageProvider) -> ImageProvider:
    while isinstance(provider, BudgetedProvider | RetryingProvider):
        provider = provider._inner
    return provider


async def look(imagery: Imagery) -> list[ImageProvider]:
    """What stands in the order, out of its wrapping."""
    painters = WorkerPool("coatcheck_chat.painting", PAINTERS)
    async with imagery.open(painters, FetchClient(AddressPolicy.parse(ports="80"))) as provider:
        each = provider._providers if isinstance(provider, FallbackProvider) else (provider,)
        return [unwrapped(p) for p in each]


ALL = (
    "openai:gpt-image-2.5-flare?quality=low, openai-responses:gpt-5-mini,"
    "gemini:gemini-2.5-flash-image, compatible:@cf/flux@dev@http://127.0.0.1:9/v1?x=1 ,procedural"
)


@pytest.fixture
def imagery() -> Imagery:
    """Every provider. Clients read files when they are made: outside of any event loop."""
    return opened(ALL, provider_seconds=7, provider_tries=2, provider_key="endpoint-key")


@pytest.mark.anyio
async def test_every_name_has_its_provider(imagery: Imagery) -> None:
    images, responses, gemini, compatible, painter = await look(imagery)
    assert isinstance(images, OpenAIImages)
    assert (images.model, images._quality) == ("gpt-image-2.5-flare", "low")
    assert isinstance(responses, OpenAIResponses)
    assert (responses.model, responses._quality) == ("gpt-5-mini", "auto")
    assert isinstance(gemini, GeminiImages)
    assert gemini.model == "gemini-2.5-flash-image"
    assert isinstance(compatible, CompatibleImages)
    assert compatible.model == "@cf/flux@dev"
    assert str(compatible._client.base_url).startswith("http://127.0.0.1:9/v1")
    assert compatible._client.api_key == "endpoint-key"
    assert isinstance(painter, ProceduralProvider)
    for provider in (images, responses, compatible):
        assert provider._client.is_closed()
    assert gemini._http.is_closed


@pytest.mark.anyio
async def test_the_limits_are_the_settings(imagery: Imagery) -> None:
    painters = WorkerPool("coatcheck_chat.painting", PAINTERS)
    async with imagery.open(painters, FetchClient(AddressPolicy.parse(ports="80"))) as provider:
        assert isinstance(provider, FallbackProvider)
        budgeted = provider._providers[0]
        assert isinstance(budgeted, BudgetedProvider)
        first = budgeted._inner
        assert isinstance(first, RetryingProvider)
        assert (first._limits.seconds, first._limits.tries) == (7, 2)


@pytest.mark.anyio
async def test_the_painter_stands_by_itself() -> None:
    (painter,) = await look(opened("procedural"))
    assert isinstance(painter, ProceduralProvider)


@pytest.mark.parametrize(
    "names",
    [
        "",
        " , ",
        "dall-e",
        "openai",
        "openai:",
        "openai:a b",
        "openai:m?size=big",
        "gemini:m?quality=low",
        "procedural:m",
        "compatible:m",
        "compatible:m@ftp://host/v1",
        "compatible:@http://host/v1",
        "procedural,nobody:m",
    ],
)
def test_a_name_that_is_none_ends_the_start(names: str) -> None:
    with pytest.raises(ConfigurationError, match="COATCHECK_PROVIDERS") as caught:
        opened(names)
    assert "compatible:MODEL@https://host/v1" in caught.value.message


@pytest.mark.parametrize(
    ("name", "variable"),
    [("openai:m", "OPENAI_API_KEY"), ("gemini:m", "GEMINI_API_KEY")],
)
def test_a_missing_key_ends_the_start(
    name: str, variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(variable)
    monkeypatch.delenv("OPENAI_ADMIN_KEY", raising=False)
    with pytest.raises(ConfigurationError, match=r"COATCHECK_PROVIDERS: .* client cannot be made"):
        create_app(Settings(data=tmp_path, providers=name))


@pytest.mark.parametrize(
    ("name", "module", "package"),
    [
        ("openai:m", "coatcheck_chat.providers.openai_client", "openai"),
        ("compatible:m@http://h/v1", "coatcheck_chat.providers.openai_client", "openai"),
        ("gemini:m", "coatcheck_chat.providers.gemini", "google.genai"),
    ],
)
def test_a_missing_package_is_told_with_what_to_do(
    name: str, module: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for loaded in [known for known in sys.modules if known.startswith("coatcheck_chat.providers.")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, package, None)
    assert module not in sys.modules
    with pytest.raises(ConfigurationError, match=r"needs '.*'.*pip install coatcheck-chat"):
        opened(name)


def test_the_sdks_are_imported_for_nobody_who_does_not_want_them() -> None:
    script = (
        "import sys; from coatcheck_chat.providers.registry import Imagery;"
        "from coatcheck_chat.settings import Settings; Imagery(Settings());"
        "print([name for name in ('openai', 'google.genai', 'httpx') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert result.stdout.strip() == b"[]"
