"""Where things are, and where what is made of them goes."""

from pathlib import Path
from typing import Final

__all__ = ["CONFIG", "HTML", "NPM", "PAGES", "ROOT", "WEBSITE"]

ROOT: Final = Path(__file__).parents[1]
WEBSITE: Final = ROOT / "website"
BUILD: Final = ROOT / "build" / "site"
PAGES: Final = BUILD / "pages"
HTML: Final = BUILD / "html"
CONFIG: Final = BUILD / "zensical.toml"
NPM: Final = BUILD / "npm"
