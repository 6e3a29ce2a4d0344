"""An image provider that needs no network: it paints landscapes from the words of a prompt."""

from coatcheck_chat.painter.paint import paint
from coatcheck_chat.painter.scene import Scene, compose, missing

__all__ = ["Scene", "compose", "missing", "paint"]
