"""Refuses to build an archive without the page; hatchling runs it."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PARTS = ("index.html", "components.html", "media-worker.js")


class PageHook(BuildHookInterface[Any]):
    """The wheel carries the page, and the source distribution too, so that it needs no Node.js."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Look for the page.

        Args:
            version: ``"editable"`` for a checkout, where the page may be built later.
            build_data: what hatchling will put into the archive.

        Raises:
            SystemExit: a part of the page is missing.
        """
        page = Path(self.root, "src", "coatcheck_chat", "page")
        missing = [name for name in PARTS if not (page / name).is_file()]
        if version != "editable" and missing:
            raise SystemExit(
                f"The page is not built ({', '.join(missing)} missing in {page}): run `make page`"
                " first. It takes Node.js. A published wheel has the page inside."
            )
