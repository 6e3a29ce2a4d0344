import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";

const web = join(import.meta.dirname, "../../..");
const root = join(web, "..");
const pages = [
  "README.md",
  "web/packages/coatcheck/README.md",
  ...["docs", "spec"].flatMap((folder) =>
    readdirSync(join(root, folder), { encoding: "utf8", recursive: true })
      .filter((name) => name.endsWith(".md"))
      .map((name) => join(folder, name)),
  ),
];

/** The page's TypeScript blocks: its text, and the file that a comment before it names. */
function examplesOf(page: string): { file: string; code: string }[] {
  const text = readFileSync(join(root, page), "utf8");
  const blocks = text.matchAll(/(?:<!-- file: (\S+) -->\n+)?```(tsx?)\n(.*?)```/gsu);
  return [...blocks].map(([, file, extension = "ts", code = ""], index) => ({
    file: file ?? `example-${index}.${extension}`,
    code,
  }));
}

it("has examples that the compiler takes as they are", { timeout: 60_000 }, () => {
  // Inside the workspace, from where the package and its peers are found.
  const cache = join(web, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, "documents-"));
  let count = 0;
  try {
    for (const [index, page] of pages.entries()) {
      for (const { file, code } of examplesOf(page)) {
        const path = join(directory, `page-${index}`, file);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, code);
        count += 1;
      }
    }
    const compilerOptions = { types: ["vite/client"] };
    const config = { extends: join(web, "tsconfig.base.json"), include: ["**/*"], compilerOptions };
    writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(config));
    const { stdout } = spawnSync("npx", ["tsc", "--project", directory], {
      cwd: web,
      encoding: "utf8",
    });
    expect(stdout).toBe("");
    expect(count).toBeGreaterThan(10);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
