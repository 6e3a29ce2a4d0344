"""What the benchmark and the applications it starts tell each other."""

DATA_VARIABLE = "COATCHECK_BENCH_DATA"
"""Names the directory of the Coatcheck store."""

FILES_VARIABLE = "COATCHECK_BENCH_FILES"
"""Names the directory that Starlette serves."""

ENCODES_PATH = "/encodes"
"""Where the application says how many variants it has encoded."""

BODY_VARIABLE = "COATCHECK_BENCH_BODY"
"""Names the file whose bytes the bare application answers."""

REVALIDATED_PATH = "/revalidated"
"""Where the bare application answers 304."""
