import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Rollup } from "vite";
import { beforeAll, expect, it, vi } from "vitest";

const APP = resolve(import.meta.dirname, "..");
/** Bytes, compressed by gzip; what is sent to most browsers (br) is a tenth less. */
const MOST = 120_000;

let chunks: Map<string, Rollup.OutputChunk>;

beforeAll(async () => {
  // That of a test would have React's messages for developers in it.
  vi.stubEnv("NODE_ENV", "production");
  const built = (await build({
    root: APP,
    configFile: resolve(APP, "vite.config.ts"),
    logLevel: "silent",
    build: { write: false },
  })) as Rollup.RollupOutput;
  chunks = new Map(
    built.output.flatMap((item) => (item.type === "chunk" ? [[item.fileName, item]] : [])),
  );
  vi.unstubAllEnvs();
}, 60_000);

/** The entry, and every chunk that must be there before it runs. */
function firstView(): Rollup.OutputChunk[] {
  const entry = [...chunks.values()].find(({ isEntry }) => isEntry);
  const found = new Set<string>();
  const waiting = [entry?.fileName ?? "none"];
  for (const name of waiting) {
    if (!found.has(name)) {
      found.add(name);
      waiting.push(...(chunks.get(name)?.imports ?? []));
    }
  }
  return [...found].flatMap((name) => chunks.get(name) ?? []);
}

function modulesOf(parts: readonly Rollup.OutputChunk[]): string {
  return parts.flatMap(({ modules }) => Object.keys(modules)).join("\n");
}

it("needs little JavaScript for the first view", () => {
  const parts = firstView();
  const bytes = parts.map(({ code }) => gzipSync(code, { level: 9 }).length);
  expect(modulesOf(parts)).toContain("react-dom");
  expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(MOST);
  expect(parts.length).toBeLessThanOrEqual(6);
});

it("leaves out of the first view what it does not show, and zod altogether", () => {
  const later = /react-markdown|lightbox|gallery-layout|compare-page|\/transcript\.tsx|micromark/u;
  expect(modulesOf(firstView())).not.toMatch(later);
  expect(modulesOf([...chunks.values()])).toMatch(later);
  expect(modulesOf([...chunks.values()])).not.toContain("node_modules/zod");
});
