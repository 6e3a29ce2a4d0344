"""The benchmark of prompt caches finds what the default is meant to reach."""

import pytest
from benchmarks.prompt_cache import CASES, LEAST, PROVIDERS, measure, put_pictures

from coatcheck.payload.hydration.policies import Stable
from coatcheck.payload.hydration.providers import ProviderName
from coatcheck.store import MediaStore

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_most_of_each_request_begins_the_one_before(
    store: MediaStore, provider: ProviderName
) -> None:
    references = await put_pictures(store, edge=512)
    found = {case: await measure(store, provider, case, references) for case in CASES}
    for case, reuse in found.items():
        is_stable = isinstance(case.policy, Stable)
        assert (reuse.share > LEAST) is is_stable
        assert reuse.shown == (1 if not is_stable else 12 if reuse.retirements == 0 else 7)
    assert [reuse.retirements for reuse in found.values()] == [0, 0, 0, 1, 1]
