"""No version with a known hole may be installed."""

import shutil
from pathlib import Path

import pytest

from release.failure import CheckFailedError
from release.floors import refuse_holes

ROOT = Path(__file__).parents[3]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What is compared, as the repository has it."""
    (tmp_path / "release").mkdir()
    shutil.copy(ROOT / "release/floors.toml", tmp_path / "release")
    for package in ("coatcheck", "coatcheck-chat"):
        (tmp_path / "packages" / package).mkdir(parents=True)
        shutil.copy(ROOT / "packages" / package / "pyproject.toml", tmp_path / "packages" / package)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


def change(file: Path, before: str, after: str) -> None:
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after), "utf-8")


def test_what_the_repository_asks_for_has_no_known_hole(checkout: Path) -> None:
    assert refuse_holes(checkout) >= 8


@pytest.mark.parametrize(
    ("package", "floor", "hole"),
    [
        ("python-multipart", "0.0.20", "CVE-2026-42561"),
        ("python-multipart", "0.0.29", "CVE-2026-53537"),
        ("starlette", "0.49.0", "CVE-2025-62727"),
        ("starlette", "1.0.0", "CVE-2026-48710"),
        ("pillow", "12.1.0", "CVE-2026-25990"),  # of the chat
    ],
)
def test_a_floor_that_admits_a_hole_is_refused(
    checkout: Path, package: str, floor: str, hole: str
) -> None:
    asks = "coatcheck-chat" if package == "pillow" else "coatcheck"
    pyproject = checkout / "packages" / asks / "pyproject.toml"
    lines = [
        f'    "{package}>={floor}",' if line.startswith(f'    "{package}>=') else line
        for line in pyproject.read_text("utf-8").splitlines()
    ]
    pyproject.write_text("\n".join(lines), "utf-8")
    with pytest.raises(CheckFailedError, match=f"pyproject.toml admits {package} {floor}.*{hole}"):
        refuse_holes(checkout)


def test_a_requirement_without_a_floor_admits_every_hole(checkout: Path) -> None:
    change(checkout / "packages/coatcheck/pyproject.toml", '"h11>=0.16"', '"h11"')
    with pytest.raises(CheckFailedError, match=r"h11 0, which has a hole that 0\.16\.0 mends"):
        refuse_holes(checkout)


def test_a_pin_that_has_a_hole_is_refused(checkout: Path) -> None:
    (checkout / "requirements/demo.txt").write_text("Python_Multipart==0.0.20 \\\n", "utf-8")
    with pytest.raises(CheckFailedError, match=r"requirements/demo.txt admits python-multipart"):
        refuse_holes(checkout)
