"""What axe finds on a page, against WCAG 2.2 AA."""

import json
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page

AXE: Final = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
"""The checker; a page whose policy forbids scripts from elsewhere needs ``bypass_csp``."""

TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


def violations(page: Page) -> list[str]:
    """What axe finds, as text that tells what to mend."""
    page.add_script_tag(path=AXE)
    found: list[dict[str, Any]] = page.evaluate(
        "tags => axe.run({runOnly: tags}).then(result => result.violations)", list(TAGS)
    )
    return [
        json.dumps([rule["id"], rule["help"], [node["html"] for node in rule["nodes"]]])
        for rule in found
    ]
