import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "vite";
import { afterEach, beforeEach, expect, it } from "vitest";

const WEB = resolve(import.meta.dirname, "../..");
const PACKAGE = "packages/coatcheck";

/** A copy of what the worker is made of, with the installed packages beside it. */
let workspace: string;

beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), "worker-build-"));
  for (const name of [
    "tsconfig.base.json",
    "app/package.json",
    "app/tsconfig.json",
    "app/vite.worker.config.ts",
    "app/src",
    `${PACKAGE}/package.json`,
    `${PACKAGE}/tsconfig.json`,
    `${PACKAGE}/src`,
  ]) {
    cpSync(join(WEB, name), join(workspace, name), { recursive: true });
  }
  mkdirSync(join(workspace, "node_modules"));
  for (const name of readdirSync(join(WEB, "node_modules"))) {
    const target =
      name === "coatcheck" ? join(workspace, PACKAGE) : join(WEB, "node_modules", name);
    symlinkSync(target, join(workspace, "node_modules", name));
  }
});
afterEach(() => rmSync(workspace, { recursive: true }));

it("is made of the package's source, whatever an older build of the package left", async () => {
  const dist = join(workspace, PACKAGE, "dist/worker");
  mkdirSync(dist, { recursive: true });
  writeFileSync(join(dist, "index.js"), 'export function cacheMedia() { console.log("stale"); }\n');
  await build({
    root: join(workspace, "app"),
    configFile: join(workspace, "app/vite.worker.config.ts"),
    logLevel: "silent",
    build: { outDir: join(workspace, "built") },
  });
  const script = readFileSync(join(workspace, "built/media-worker.js"), "utf8");
  expect(script).toContain("coatcheck-sign-out");
  expect(script).not.toContain("stale");
});
