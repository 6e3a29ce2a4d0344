"""An image provider that needs no network: it paints landscapes from the words of a prompt."""

from coatcheck.agent.providers.procedural.paint import paint
from coatcheck.agent.providers.procedural.scene import Scene, compose

__all__ = ["Scene", "compose", "paint"]
