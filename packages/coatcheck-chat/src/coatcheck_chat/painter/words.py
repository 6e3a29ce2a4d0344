"""The vocabulary: which words of a prompt mean which part of a scene."""

TIMES: dict[str, str] = {
    **dict.fromkeys(("dawn", "sunrise", "morning", "daybreak"), "dawn"),
    **dict.fromkeys(("day", "daytime", "noon", "midday", "afternoon", "sunny", "daylight"), "day"),
    **dict.fromkeys(("dusk", "sunset", "evening", "twilight", "sundown", "gloaming"), "dusk"),
    **dict.fromkeys(("night", "midnight", "moonlit", "moonlight", "starry", "nocturnal"), "night"),
}

# Things that suggest an hour when the prompt names none.
HINTED_TIMES: dict[str, str] = {
    **dict.fromkeys(
        ("moon", "stars", "aurora", "northern", "borealis", "galaxy", "fireworks", "lightning"),
        "night",
    ),
    **dict.fromkeys(("campfire", "lantern", "bonfire"), "dusk"),
    **dict.fromkeys(("rainbow", "balloon", "flower", "poppy", "daisy", "lavender"), "day"),
    **dict.fromkeys(("blossom", "cherry", "sakura", "spring", "picnic"), "day"),
}

WEATHERS: dict[str, str] = {
    **dict.fromkeys(
        ("storm", "stormy", "thunder", "thunderstorm", "tempest", "lightning"), "storm"
    ),
    **dict.fromkeys(("rain", "rainy", "raining", "drizzle", "downpour"), "rain"),
    **dict.fromkeys(("fog", "foggy", "mist", "misty", "haze", "hazy"), "fog"),
    **dict.fromkeys(("snow", "snowy", "snowfall", "snowing", "blizzard"), "snow"),
    **dict.fromkeys(("cloud", "cloudy", "overcast"), "clouds"),
}

SEASONS: dict[str, str] = {
    **dict.fromkeys(("winter", "wintry", "snow", "snowy", "snowfall", "snowing"), "winter"),
    **dict.fromkeys(("blizzard", "frozen", "ice", "icy", "arctic", "christmas"), "winter"),
    **dict.fromkeys(("autumn", "autumnal", "october", "november", "harvest"), "autumn"),
    **dict.fromkeys(("spring", "blossom", "cherry", "sakura"), "spring"),
    **dict.fromkeys(("summer", "july", "flower", "poppy", "daisy", "lavender"), "summer"),
}

WATERS: dict[str, str] = {
    **dict.fromkeys(("sea", "ocean", "coast", "coastal", "shore", "seaside", "wave"), "sea"),
    **dict.fromkeys(
        ("beach", "sand", "bay", "harbour", "harbor", "island", "cliff", "port"), "sea"
    ),
    **dict.fromkeys(("lake", "pond", "reflection", "loch", "fjord", "lagoon"), "lake"),
    **dict.fromkeys(("river", "stream", "creek", "brook"), "river"),
}

PLACES: dict[str, str] = {
    **dict.fromkeys(("beach", "tropical", "lagoon", "sand"), "beach"),
    **dict.fromkeys(
        ("mountain", "alps", "alpine", "peak", "summit", "fjord", "volcano"), "mountains"
    ),
    **dict.fromkeys(("hill", "meadow", "field", "valley", "countryside", "farm"), "hills"),
    **dict.fromkeys(("pasture", "vineyard", "village", "prairie", "garden"), "hills"),
    **dict.fromkeys(("forest", "wood", "woodland", "jungle", "taiga", "grove"), "forest"),
    **dict.fromkeys(("desert", "dune", "sahara", "canyon", "oasis"), "desert"),
    **dict.fromkeys(("city", "skyline", "downtown", "town", "skyscraper", "metropolis"), "city"),
    **dict.fromkeys(("urban", "street", "tower", "tokyo", "manhattan"), "city"),
    **dict.fromkeys(("space", "planet", "galaxy", "cosmos", "cosmic", "nebula", "orbit"), "space"),
    **dict.fromkeys(("universe", "astronaut", "saturn", "jupiter", "mars", "alien"), "space"),
}

SUBJECTS: dict[str, str] = {
    "lighthouse": "lighthouse",
    **dict.fromkeys(("house", "cabin", "cottage", "hut", "barn", "farmhouse", "home"), "cabin"),
    **dict.fromkeys(("castle", "fortress", "palace", "citadel"), "castle"),
    **dict.fromkeys(("boat", "sailboat", "sail", "sailing", "ship", "yacht"), "boat"),
    **dict.fromkeys(("tree", "oak", "blossom", "cherry", "sakura"), "tree"),
    **dict.fromkeys(("pine", "fir", "spruce", "conifer", "christmas"), "pine"),
    **dict.fromkeys(("palm", "tropical", "oasis"), "palm"),
    **dict.fromkeys(("cactus", "cacti", "saguaro"), "cactus"),
    **dict.fromkeys(("moon", "moonlit", "moonlight", "crescent"), "moon"),
    **dict.fromkeys(("sun", "sunny", "sunset", "sunrise"), "sun"),
    **dict.fromkeys(("stars", "star", "starry", "milky", "constellation"), "stars"),
    **dict.fromkeys(("aurora", "northern", "borealis"), "aurora"),
    **dict.fromkeys(("bird", "gull", "seagull", "geese", "flock", "eagle", "swallow"), "birds"),
    **dict.fromkeys(("balloon", "airship"), "balloon"),
    **dict.fromkeys(("whale", "orca"), "whale"),
    "rainbow": "rainbow",
    **dict.fromkeys(("campfire", "bonfire", "fire"), "campfire"),
    **dict.fromkeys(("tent", "camp", "camping"), "tent"),
    **dict.fromkeys(("flower", "poppy", "wildflower", "tulip", "daisy", "lavender"), "flowers"),
    **dict.fromkeys(("bridge", "viaduct"), "bridge"),
    **dict.fromkeys(("windmill", "mill"), "windmill"),
    **dict.fromkeys(("deer", "stag", "elk", "moose", "reindeer"), "deer"),
    **dict.fromkeys(("cat", "kitten"), "cat"),
    **dict.fromkeys(("fox", "wolf", "dog", "puppy"), "fox"),
    **dict.fromkeys(("rocket", "spaceship", "spacecraft"), "rocket"),
    **dict.fromkeys(("lightning", "thunder", "thunderstorm"), "lightning"),
}

# Where a subject is at home: (water, place), used when the prompt names neither.
HOMES: dict[str, tuple[str, str]] = {
    "lighthouse": ("sea", "open"),
    "boat": ("sea", "open"),
    "whale": ("sea", "open"),
    "palm": ("sea", "beach"),
    "cactus": ("none", "desert"),
    "castle": ("none", "hills"),
    "windmill": ("none", "hills"),
    "flowers": ("none", "hills"),
    "balloon": ("none", "hills"),
    "rainbow": ("none", "hills"),
    "tree": ("none", "hills"),
    "cabin": ("none", "mountains"),
    "campfire": ("lake", "mountains"),
    "tent": ("lake", "mountains"),
    "deer": ("none", "forest"),
    "fox": ("none", "forest"),
    "pine": ("none", "forest"),
    "bridge": ("river", "hills"),
    "aurora": ("lake", "mountains"),
    "rocket": ("none", "space"),
}

# sRGB, 0..1, as in a box of gouache rather than in CSS.
COLORS: dict[str, tuple[float, float, float]] = {
    **dict.fromkeys(("red", "crimson", "scarlet", "ruby"), (0.80, 0.20, 0.18)),
    **dict.fromkeys(("orange", "amber"), (0.93, 0.52, 0.16)),
    **dict.fromkeys(("yellow", "golden", "gold"), (0.96, 0.77, 0.25)),
    **dict.fromkeys(("green", "emerald", "jade"), (0.27, 0.60, 0.33)),
    **dict.fromkeys(("teal", "turquoise", "cyan", "aqua"), (0.10, 0.58, 0.58)),
    **dict.fromkeys(("blue", "azure", "navy", "sapphire"), (0.16, 0.40, 0.74)),
    **dict.fromkeys(("purple", "violet", "lavender", "lilac"), (0.50, 0.32, 0.70)),
    **dict.fromkeys(("pink", "rose", "magenta", "coral"), (0.92, 0.45, 0.56)),
    **dict.fromkeys(("brown", "sepia", "copper"), (0.55, 0.36, 0.22)),
    **dict.fromkeys(("white", "ivory"), (0.95, 0.93, 0.88)),
    **dict.fromkeys(("black",), (0.14, 0.14, 0.18)),
    **dict.fromkeys(("grey", "gray", "silver"), (0.58, 0.60, 0.64)),
}

# Words that end a phrase and name nothing to be painted.
DESCRIPTIONS: frozenset[str] = frozenset(
    (
        *("air", "art", "atmosphere", "background", "bit", "bright", "calm", "clear", "close"),
        *("closeup", "cold", "color", "colors", "colour", "colours", "composition", "cozy"),
        *("dark", "detail", "distance", "drawing", "dreamy", "edge", "end", "epic", "evening"),
        *("foreground", "frame", "front", "glow", "golden", "hour", "hours", "huge"),
        *("illustration", "image", "impressionism", "impressionist", "landscape", "large"),
        *("left", "light", "lights", "little", "lonely", "lot", "middle", "minimal", "mood"),
        *("nature", "new", "oil", "old", "painting", "pastel", "photo", "picture", "piece"),
        *("portrait", "quiet", "right", "scene", "scenery", "serene", "shade", "shades"),
        *("shadow", "shadows", "side", "skies", "sky", "small", "soft", "something"),
        *("storybook", "style", "stylized", "tall", "there", "thing", "time", "tiny", "tone"),
        *("tones", "top", "view", "vivid", "warm", "water", "watercolor", "watercolour"),
        *("weather", "wide", "wind"),
    )
)
