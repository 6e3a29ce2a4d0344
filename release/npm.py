"""The npm package: packed, and used from where it is installed."""

import json
from pathlib import Path

from release.commands import run
from release.failure import CheckFailedError

PEERS = ("ai", "react", "@types/react")
"""What the package wants beside it, and the types that React does not bring."""

_SCRIPT = """
const named = {};
for (const entry of process.argv.slice(1)) named[entry] = Object.keys(await import(entry)).length;
console.log(JSON.stringify(named));
"""

_TYPES = {
    "target": "es2022",
    "module": "nodenext",
    "lib": ["es2023", "dom", "dom.iterable", "dom.asynciterable"],
    "strict": True,
    "noEmit": True,
    "skipLibCheck": True,  # the AI SDK's declarations want Node's types
    "types": [],
}


def pack(package: Path, to: Path) -> Path:
    """Build the package and pack it.

    Raises:
        CheckFailedError: npm cannot.
    """
    to.mkdir()
    run("npm", "pack", "--pack-destination", to, "--no-update-notifier", cwd=package)
    (tarball,) = to.glob("*.tgz")
    return tarball


def import_entries(folder: Path) -> list[str]:
    """Import every entry under Node; their names.

    Raises:
        CheckFailedError: one cannot be imported, or exports nothing.
    """
    entries = _entries(folder)
    command = ("node", "--input-type=module", "--eval", _SCRIPT, "--", *entries)
    named: dict[str, int] = json.loads(run(*command, cwd=folder))
    if empty := [entry for entry in entries if not named.get(entry)]:
        raise CheckFailedError(f"{', '.join(empty)} exports nothing: see `exports`.")
    return entries


def resolve_types(folder: Path, compiler: Path) -> None:
    """Compile a module that imports every entry, as Node's own rules find them.

    Args:
        folder: where the package is installed.
        compiler: TypeScript's command.

    Raises:
        CheckFailedError: types are missing or wrong.
    """
    lines = [
        f'import * as e{number} from "{entry}";\nexport const n{number}: object = e{number};'
        for number, entry in enumerate(_entries(folder))
    ]
    (folder / "entries.ts").write_text("\n".join(lines), "utf-8")
    settings = {"compilerOptions": _TYPES, "files": ["entries.ts"]}
    (folder / "tsconfig.json").write_text(json.dumps(settings), "utf-8")
    run(compiler, "--project", folder, cwd=folder)


def _entries(folder: Path) -> list[str]:
    """What can be imported: every export that is a script."""
    package = json.loads((folder / "node_modules/coatcheck/package.json").read_text("utf-8"))
    conditional = [name for name, target in package["exports"].items() if "types" in target]
    return [f"coatcheck{name.removeprefix('.')}" for name in conditional]
