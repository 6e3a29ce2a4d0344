"""The pictures that the demo compares with."""

from collections.abc import Sequence
from typing import Final

import anyio

from coatcheck.errors import NotFoundError
from coatcheck.reference import MediaReference
from coatcheck.store import MediaStore
from coatcheck.workers import WorkerPool

_PROMPTS: Final = (
    "a lighthouse at dusk",
    "a fox in the snow",
    "a harbour in the fog",
    "mountains above a lake at dawn",
    "a city at night in the rain",
    "a sailing boat on a calm sea",
    "a village in autumn",
    "a planet with rings",
    "a forest in spring",
    "a desert under the stars",
)
_EDGE: Final = 1024
_SEED: Final = 7
_OWNER: Final = "comparison"  # without an owner it would be listed among the visitors' own


class ComparedPictures:
    """Ten landscapes of 1024×1024, painted when they are first asked for.

    They belong to no conversation. `aclose` deletes them from the store.

    Args:
        store: keeps them.
        painters: a pool that offers the task ``paint`` (`coatcheck_chat.painting`).
    """

    def __init__(self, store: MediaStore, painters: WorkerPool) -> None:
        self._store = store
        self._painters = painters
        self._painting = anyio.Lock()
        self._pictures: list[MediaReference] = []

    async def all(self) -> Sequence[MediaReference]:
        """The pictures, in the order in which they are played.

        Raises:
            OverloadedError: the painters are busy.
            StorageError: they cannot be stored.
        """
        async with self._painting:
            for prompt in _PROMPTS[len(self._pictures) :]:
                _, content = await self._painters.run(
                    "paint", prompt=prompt, seed=_SEED, width=_EDGE, height=_EDGE, stage=1.0
                )
                self._pictures.append(await self._store.put(content, alt=prompt, owner=_OWNER))
            return tuple(self._pictures)

    async def aclose(self) -> None:
        """Delete what was painted."""
        for picture in self._pictures:
            try:
                await self._store.delete(picture.id)
            except NotFoundError:
                continue  # it was deleted by its id
        self._pictures.clear()
