import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const web = join(import.meta.dirname, "../../..");
const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
const examples = [...readme.matchAll(/```(tsx?)\n(.*?)```/gsu)];

it("has examples that the compiler takes as they are", { timeout: 60_000 }, () => {
  expect(examples.length).toBeGreaterThan(5);
  // Inside the workspace, from where the package and its peers are found.
  const cache = join(web, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, "readme-"));
  try {
    for (const [index, [, extension, code]] of examples.entries()) {
      writeFileSync(join(directory, `example-${index}.${extension}`), code ?? "");
    }
    const compilerOptions = { types: ["vite/client"] };
    const config = { extends: join(web, "tsconfig.base.json"), include: ["*"], compilerOptions };
    writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(config));
    const { stdout } = spawnSync("npx", ["tsc", "--project", directory], {
      cwd: web,
      encoding: "utf8",
    });
    expect(stdout).toBe("");
  } finally {
    rmSync(directory, { recursive: true });
  }
});
