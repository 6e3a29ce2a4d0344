"""Changes that would weaken a defence, and the tests that must notice each of them.

``make mutants`` makes every change in a copy of the working tree and runs the tests that it names:
they pass on the code as it is and fail on the changed code. The lists are the ``*.toml`` files
beside this module, a file an area:

.. code-block:: toml

    [[mutation]]
    name = "another owner's media is restored"
    file = "packages/coatcheck/src/coatcheck/payload/restore.py"
    before = '''if record.owner != owner:'''
    after = '''if False:'''
    tests = ["tests/unit/payload/test_restore.py::test_another_owners_media_stays_a_reference"]

``before`` stands exactly once in the file. A test that begins with ``web/`` is run by vitest. A
mutation that changes no behavior has ``equivalent = "why"`` in the place of ``tests``.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One change of one file, and what must notice it."""

    area: str
    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...] = ()
    equivalent: str = ""


def mutations(area: str = "*") -> list[Mutation]:
    """The mutations of an area, or of all of them."""
    found = []
    for path in sorted(Path(__file__).parent.glob(f"{area}.toml")):
        for entry in tomllib.loads(path.read_text("utf-8")).get("mutation", []):
            entry["tests"] = tuple(entry.get("tests", ()))
            found.append(Mutation(area=path.stem, **entry))
    return found
