"""A run's figures come into the pages that quote them, and nothing else there changes."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from benchmarks.browser.cases import FULL, Outcome, Result
from benchmarks.headline import compose
from benchmarks.readme import BLOCKS, CHARTS, COSTS, PAGES, ROOT, fill
from benchmarks.targets import Target, keep

PAGE = """Before.

<!-- figures: headline -->

| old |

<!-- end of figures -->

Between.

<!-- figures: comparison -->

older

<!-- end of figures -->

After.
"""


@pytest.fixture
def results(tmp_path: Path) -> Path:
    (tmp_path / "headline.md").write_text("| new |\n", "utf-8")
    return tmp_path


def test_a_block_is_replaced_and_the_rest_stays(results: Path) -> None:
    text, changed = fill(PAGE, results, BLOCKS)
    assert changed == ["headline"]  # the other has no source yet
    assert text == PAGE.replace("| old |", "| new |")
    assert fill(text, results, BLOCKS) == (text, [])


def test_blocks_that_are_not_asked_for_stay(results: Path) -> None:
    assert fill(PAGE, results, ["sizes"]) == (PAGE, [])


def test_missed_targets_are_quoted_like_those_that_hold(results: Path) -> None:
    keep(
        results,
        "delivery",
        [
            Target("coatcheck serve: thumbnail ÷ uvicorn alone, per core", 0.5, 0.85),
            Target("coatcheck serve: cold variant ÷ imgproxy, per core", None, 1),
            Target("coatcheck serve: hot variant ÷ ipx", 250, 5),
        ],
    )
    keep(results, "intake", [Target("put of a new picture ÷ raw libvips", 1.3, 1.4, "at most")])
    text, _ = fill(PAGE, results, ["comparison"])
    assert "| coatcheck serve: thumbnail ÷ uvicorn alone, per core | 0.5 | ≥ 0.85 | NO |" in text
    assert "| put of a new picture ÷ raw libvips | 1.3 | ≤ 1.4 | yes |" in text
    assert "imgproxy" not in text  # it was not measured
    assert "hot variant" not in text  # the page of benchmarks has all


def test_a_block_of_an_unknown_name_is_refused(results: Path) -> None:
    with pytest.raises(KeyError):
        fill(PAGE.replace("headline", "headlines"), results, BLOCKS)


def blocks() -> Iterator[str]:
    for page in PAGES:
        text = Path(ROOT, page).read_text("utf-8")
        pieces = text.split("<!-- figures: ")[1:]
        assert text.count("<!-- end of figures -->") == len(pieces)
        for piece in pieces:
            name, _, rest = piece.partition(" -->\n\n")
            assert rest.partition("\n\n<!-- end of figures -->")[1]
            yield name


def test_every_block_has_a_place_and_every_place_a_block() -> None:
    assert sorted(blocks()) == sorted(BLOCKS)
    assert all((ROOT / target).exists() for target in CHARTS.values())


def test_the_readmes_rows_are_in_the_headline(tmp_path: Path) -> None:
    names = [
        "the picture in the tool's result, bytes",
        "frame with the tool's result, bytes",
        "in the model's context, tokens",
        "in the history's database, bytes",
    ]
    measures = [{"name": name, "legacy": 2, "reference": 1} for name in names]
    stream = {"pictures": [{"edge": 1024, "size": 1, "measures": measures}]}
    both = {"legacy": Outcome(None, 60.0), "references": Outcome(None, 60.0)}
    rows = compose(stream, [Result(case, both) for case in FULL])  # type: ignore[arg-type]
    (tmp_path / "headline.json").write_text(json.dumps([asdict(row) for row in rows]), "utf-8")
    page = "<!-- figures: costs -->\n\nx\n\n<!-- end of figures -->"
    text, _ = fill(page, tmp_path, ["costs"])
    written = [line.split(" | ")[0].removeprefix("| ") for line in text.splitlines()[4:-2]]
    assert written == list(COSTS)
