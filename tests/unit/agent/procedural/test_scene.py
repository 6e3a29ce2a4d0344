"""From words to scenes."""

import pytest

from coatcheck_chat.painter import compose, missing
from coatcheck_chat.painter.subjects import AFLOAT, GROUND
from coatcheck_chat.painter.words import COLORS, HOMES, SUBJECTS


@pytest.mark.parametrize(
    ("prompt", "attribute", "expected"),
    [
        ("A Lighthouse at DUSK!", "time", "dusk"),
        ("sunrise", "time", "dawn"),
        ("a starry sky", "time", "night"),
        ("the moon", "time", "night"),
        ("golden hour", "time", "dusk"),
        ("northern lights", "time", "night"),
        ("a lighthouse", "water", "sea"),
        ("a lighthouse on a lake", "water", "lake"),
        ("mountains", "place", "mountains"),
        ("a mountain lake", "place", "mountains"),
        ("a mountain lake", "water", "lake"),
        ("rolling dunes", "place", "desert"),
        ("cities", "place", "city"),
        ("a rocket", "place", "space"),
        ("a tropical beach", "place", "beach"),
        ("blizzard", "weather", "snow"),
        ("blizzard", "season", "winter"),
        ("thunderstorm", "weather", "storm"),
        ("misty woods", "weather", "fog"),
        ("october", "season", "autumn"),
        ("cherry blossom", "season", "spring"),
        ("poppies", "subjects", ("flowers",)),
        ("a palm tree", "subjects", ("palm",)),
        ("boats, birds and boats", "subjects", ("boat", "birds")),
    ],
)
def test_words_choose(prompt: str, attribute: str, expected: object) -> None:
    for seed in range(5):
        assert getattr(compose(prompt, seed), attribute) == expected


def test_a_color_before_a_subject_is_the_subjects_own() -> None:
    scene = compose("a red balloon over teal hills", 1)
    assert scene.accent("balloon") == COLORS["red"]
    assert scene.accent("boat") is None
    assert scene.tint == COLORS["teal"]


def test_scenes_are_values() -> None:
    assert compose("a cabin", 1) == compose("  a   CABIN ", 1)
    assert compose("a cabin", 1) != compose("a cabin", 2)
    assert hash(compose("", 1)) == hash(compose("", 1))


def test_seeds_vary_what_the_words_leave_open() -> None:
    scenes = [compose("a lighthouse", seed) for seed in range(30)]
    assert {scene.side for scene in scenes} == {-1, 1}
    assert len({scene.horizon for scene in scenes}) == 30
    assert len({scene.time for scene in scenes}) > 2


def test_any_text_is_allowed() -> None:
    for prompt in ("", " ", "???", "\ud800", "Füchse 狐", "x" * 100_000):
        compose(prompt, -(2**70))


def test_every_home_belongs_to_a_subject() -> None:
    assert set(HOMES) <= set(SUBJECTS.values())
    assert set(GROUND) | set(AFLOAT) <= set(SUBJECTS.values())


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a lighthouse at dusk", ()),
        ("a bicycle", ("bicycle",)),
        ("A red BICYCLE beside a lighthouse at dusk", ("bicycle",)),
        ("a dog riding a bicycle in the style of Van Gogh", ("bicycle",)),
        ("mountains and dragons", ("dragons",)),
        ("a lighthouse at dusk, watercolor", ()),
        ("two robots, one teapot, two robots", ("robots", "teapot")),
        ("a quiet harbor in winter with fishing boats and a stone bridge", ()),
        ("a city skyline with neon lights reflected in the water", ()),
        ("a train crossing the viaduct", ("train",)),
        ("", ()),
        ("灯台", ()),
    ],
)
def test_what_the_painter_does_not_know_is_missing(prompt: str, expected: tuple[str, ...]) -> None:
    assert missing(prompt) == expected


def test_every_subject_is_known() -> None:
    assert missing(", ".join(f"a {word}" for word in SUBJECTS)) == ()
