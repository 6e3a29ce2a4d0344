"""What the layout promises a newcomer."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import coatcheck
import coatcheck_chat.errors
from coatcheck.errors import CoatcheckError, error_classes, error_for

ROOT = Path(__file__).parents[2]
SOURCES = sorted(ROOT.glob("packages/*/src/**/*.py"))


def test_the_import_contracts_hold() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run(
        [lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout


def test_the_public_names_are_a_decision() -> None:
    assert sorted(coatcheck.__all__) == [
        "CoatcheckError",
        "MediaReference",
        "MediaStore",
        "MediaUrls",
        "OffloadMiddleware",
        "ScrubFilter",
        "__version__",
        "for_model",
        "for_storage",
        "for_ui",
        "hydrate",
        "offload",
        "offload_document",
        "offload_stream",
        "offload_tool",
        "open_store",
        "restore",
        "scrub",
        "wrap",
    ]
    for name in coatcheck.__all__:
        assert getattr(coatcheck, name) is not None
    with pytest.raises(AttributeError):
        _ = coatcheck.missing  # type: ignore[attr-defined] # which is what is tested


def test_importing_the_package_costs_nothing_until_a_name_is_used() -> None:
    script = "import sys, coatcheck; print('sqlalchemy' in sys.modules, 'pyvips' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["False", "False"]


def test_old_formats_are_loaded_by_those_who_ask_for_them() -> None:
    script = (
        "import sys, coatcheck; [getattr(coatcheck, name) for name in coatcheck.__all__];"
        "print([name for name in sys.modules if name.startswith('coatcheck.legacy')])"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_no_module_is_a_drawer() -> None:
    drawers = {"utils", "helpers", "common", "misc"}
    assert [path for path in SOURCES if path.stem in drawers] == []


def test_every_package_says_what_it_is_for() -> None:
    for module in pkgutil.walk_packages(coatcheck.__path__, "coatcheck."):
        if module.name.startswith("coatcheck.storage.catalog.migrations.") or module.name.endswith(
            "__main__"
        ):
            continue  # Alembic's entry runs when it is imported; the other starts the program
        assert importlib.import_module(module.name).__doc__


def test_every_error_has_a_code_of_its_own_and_a_message() -> None:
    classes = list(error_classes())
    assert coatcheck_chat.errors.ResponderError in classes
    codes = [kind.code for kind in classes]
    assert len(set(codes)) == len(codes)
    for kind in classes:
        assert issubclass(kind, CoatcheckError)
        assert 400 <= kind.status < 600
        assert str(kind()) == kind().message != ""
        restored = error_for(kind.code, "as told")
        assert type(restored) is kind
        assert restored.message == "as told"
    assert error_for("no_such_code", "") is None
