"""Erase an owner: all rows in one transaction, then the bytes that nothing uses any longer.

A process that ends in between leaves tombstones, which the next sweep finishes, as for a deletion.
"""

from anyio import CancelScope

from coatcheck.errors import InvalidInputError
from coatcheck.ports import Catalog, ErasureReceipt
from coatcheck.store.removal import Removal


class Erasure:
    """Erases owners.

    Args:
        catalog: where the rows are.
        removal: removes the bytes.
    """

    def __init__(self, *, catalog: Catalog, removal: Removal) -> None:
        self._catalog = catalog
        self._removal = removal

    async def erase(self, owner: str) -> ErasureReceipt:
        """Erase an owner; see `MediaStore.erase_owner`."""
        if not isinstance(owner, str):
            raise InvalidInputError(
                f"The owner to erase is {owner!r}, not a name. What has no owner belongs to"
                " everybody and is not erased as a whole: delete its media or conversations."
            )
        with CancelScope(shield=True):
            async with self._catalog.transaction() as transaction:
                receipt, unused = await transaction.erase_owner(owner)
            await self._removal.remove_bytes(unused)
        return receipt
