"""From the words of a prompt to the plan of a picture."""

import hashlib
import re
from dataclasses import dataclass, field

from coatcheck_chat.painter import words
from coatcheck_chat.painter.dice import Dice

Color = tuple[float, float, float]

_THINGS = (words.SUBJECTS, words.PLACES, words.WATERS, words.WEATHERS, words.TIMES)
_TABLES = (*_THINGS, words.SEASONS, words.HINTED_TIMES, words.COLORS, words.DESCRIPTIONS)

_SHORTEST = 2
_NO_THING = ("ing", "ed", "ly", "ish")
_BEFORE_THING = (
    r"\b(?:an?|the|and|with|some|one|two|three|four|five|many|my|our|his|her|their|its)\b"
)
_PREPOSITION = (
    r"\b(?:of|in|at|by|on|from|like|as|for|over|under|near|beside|behind|before|between|through|into"
    r"|onto|above|below|against|to|that|which|who|is|are|without)\b"
)
# A phrase ends where another one begins, and at a preposition. Without an article, a preposition is
# followed by a name or a mood ("in watercolor", "by Monet"), which is skipped.
_PHRASE = re.compile(
    rf"[,;.:!?()\"]|{_BEFORE_THING}|{_PREPOSITION}(?:(?!{_BEFORE_THING})[^,;.:!?()\"])*"
)


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene to paint; equal scenes give equal pictures.

    Attributes:
        dice: the source of all further draws (ridges, trees, stars ...).
        time: "dawn", "day", "dusk" or "night".
        weather: "clear", "clouds", "storm", "rain", "fog" or "snow".
        season: "summer", "autumn", "winter" or "spring".
        water: "none", "sea", "lake" or "river".
        place: "open", "beach", "mountains", "hills", "forest", "desert", "city" or "space".
        subjects: what stands, floats or flies in it, in the prompt's order, without repeats.
        tint: sRGB color in [0, 1] the palette leans to, or None.
        accents: (subject, sRGB color) for "red balloon" and the like.
        horizon: world y of the horizon, in (0, 1); 0 is the picture's top.
        light: (x, y) of sun or moon; x as a share of the width in [-0.5, 0.5], y in world units.
        side: -1 or 1, the half of the picture the main subject stands in.
    """

    dice: Dice
    time: str
    weather: str
    season: str
    water: str
    place: str
    subjects: tuple[str, ...]
    tint: Color | None
    accents: tuple[tuple[str, Color], ...]
    horizon: float
    light: tuple[float, float]
    side: int

    def has(self, subject: str) -> bool:
        """Tell whether the prompt asks for `subject`."""
        return subject in self.subjects

    def accent(self, subject: str) -> Color | None:
        """Return the color the prompt gives to `subject`, if any."""
        return dict(self.accents).get(subject)


def compose(prompt: str, seed: int) -> Scene:
    """Choose a scene from the words of `prompt`; `seed` (any integer) varies what they leave open.

    Words it does not know still vary the scene through the prompt's hash. Pure and deterministic.
    """
    text = " ".join(prompt.casefold().split())
    digest = hashlib.blake2b(f"{seed}\0{text}".encode("utf-8", "replace"), digest_size=8).digest()
    dice = Dice(int.from_bytes(digest, "big"))
    found = _read(text)
    time = _time(found, dice)
    water, place = _setting(found, dice)
    season = found.first(words.SEASONS) or dice.pick("season", ("summer", "summer", "autumn"))
    weather = found.first(words.WEATHERS)
    if weather == "fog" and place == "forest" and found.first(words.SEASONS) is None:
        season = "summer"
    if weather is None:
        weather = "clear" if dice.chance("weather", 0.5) else "clouds"
    if "rainbow" in found.subjects and weather in {"rain", "storm"}:
        weather = "clouds"
    side = dice.pick("side", (-1, 1))
    return Scene(
        dice=dice,
        time=time,
        weather=weather,
        season=season,
        water=water,
        place=place,
        subjects=found.subjects,
        tint=found.tint,
        accents=found.accents,
        horizon=_horizon(water, place, dice),
        light=_light(time, water, place, side, dice),
        side=side,
    )


def missing(prompt: str) -> tuple[str, ...]:
    """The things that `prompt` names and that the painter does not know, in order, without repeats.

    A thing is the last word of what follows an article, a number, "and", "with", a comma or the
    prompt's beginning: "a red bicycle beside a lighthouse" names a bicycle and a lighthouse. This
    is a guess, not a grammar. Words of other scripts are passed over. Pure and deterministic.
    """
    unknown: dict[str, None] = {}
    for phrase in _PHRASE.split(prompt.casefold()):
        tokens = re.findall(r"[a-z]+", phrase)
        while tokens and tokens[-1].endswith(_NO_THING):
            tokens.pop()
        if tokens and len(tokens[-1]) > _SHORTEST and not _is_known(tokens[-1]):
            unknown[tokens[-1]] = None
    return tuple(unknown)


def _is_known(token: str) -> bool:
    known = _known(token)
    return any(known in table for table in _TABLES)


@dataclass(slots=True)
class _Words:
    tokens: list[str]
    subjects: tuple[str, ...] = ()
    tint: Color | None = None
    accents: tuple[tuple[str, Color], ...] = field(default=())

    def first(self, vocabulary: dict[str, str]) -> str | None:
        for token in self.tokens:
            if token in vocabulary:
                return vocabulary[token]
        return None


def _known(token: str) -> str:
    """Reduce a plural to the form the vocabulary has."""
    forms = [token, token.removesuffix("s"), token.removesuffix("es")]
    if token.endswith("ies"):
        forms.append(token[:-3] + "y")
    return next((f for f in forms if any(f in table for table in _THINGS)), token)


def _read(text: str) -> _Words:
    tokens = [_known(token) for token in re.findall(r"[a-z]+", text)]
    subjects = dict.fromkeys(words.SUBJECTS[t] for t in tokens if t in words.SUBJECTS)
    if {"palm", "pine"} & set(subjects):
        # "Palm tree" is one thing.
        subjects.pop("tree", None)
    tints, accents = [], []
    for token, follower in zip(tokens, [*tokens, ""][1:], strict=True):
        if token not in words.COLORS:
            continue
        if follower in words.SUBJECTS:
            accents.append((words.SUBJECTS[follower], words.COLORS[token]))
        else:
            tints.append(words.COLORS[token])
    return _Words(tokens, tuple(subjects), tints[0] if tints else None, tuple(accents))


def _time(found: _Words, dice: Dice) -> str:
    named = found.first(words.TIMES)
    if named is None and "golden" in found.tokens and "hour" in found.tokens:
        named = "dusk"
    hinted = found.first(words.HINTED_TIMES)
    return named or hinted or dice.pick("time", ("dawn", "day", "day", "dusk", "dusk", "night"))


def _setting(found: _Words, dice: Dice) -> tuple[str, str]:
    water, place = found.first(words.WATERS), found.first(words.PLACES)
    if water is None and place is None:
        homes = [words.HOMES[s] for s in found.subjects if s in words.HOMES]
        if homes:
            return homes[0]
        return dice.pick(
            "setting",
            (
                ("sea", "open"),
                ("lake", "mountains"),
                ("none", "mountains"),
                ("none", "hills"),
                ("river", "hills"),
                ("lake", "forest"),
                ("none", "desert"),
            ),
        )
    if place is None:
        backdrops = {
            "sea": ("open",),
            "lake": ("mountains", "mountains", "hills", "forest"),
            "river": ("hills", "mountains"),
        }
        shores = backdrops[str(water)]
        if water == "sea" and "palm" in found.subjects:
            shores = ("beach",)
        return str(water), dice.pick("backdrop", shores)
    if water is None:
        floats = {"boat", "whale", "lighthouse"} & set(found.subjects)
        water = "lake" if floats or place == "city" else "none"
    return water, "space" if place == "space" else place


def _horizon(water: str, place: str, dice: Dice) -> float:
    low, high = {"sea": (0.56, 0.66), "lake": (0.58, 0.66), "river": (0.52, 0.58)}.get(
        water, (0.6, 0.68)
    )
    if place == "city":
        low, high = low + 0.06, high + 0.06
    return dice.between("horizon", low, high)


def _light(time: str, water: str, place: str, side: int, dice: Dice) -> tuple[float, float]:
    # The light stands opposite the subject, so that it models the subject from the open side.
    x = -side * dice.between("light x", 0.08, 0.3)
    if time in {"dawn", "dusk"}:
        clear = water == "sea" or place in {"open", "beach", "city"}
        return x, dice.between("light y", 0.46, 0.54) if clear else dice.between(
            "light y", 0.3, 0.4
        )
    if time == "night":
        return x, dice.between("light y", 0.14, 0.26)
    return -side * dice.between("light x", 0.24, 0.4), dice.between("light y", 0.1, 0.2)
