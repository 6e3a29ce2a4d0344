import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";

const source = join(import.meta.dirname, "../src");
const manifest: {
  readonly dependencies?: object;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>;
} = JSON.parse(readFileSync(join(source, "../package.json"), "utf8"));

/** A module's imports and re-exports: types too, as declarations need them. */
const IMPORT = /^(?:import|export)\b[^;]*?from "([^"]+)";|^import "([^"]+)";/gmu;

/** The packages that an entry needs, and the modules of ours that it loads at once. */
function reach(entry: string, imports = IMPORT) {
  const modules = new Set<string>();
  const packages = new Set<string>();
  const visit = (path: string) => {
    if (modules.has(path)) {
      return;
    }
    modules.add(path);
    for (const [, from, alone] of readFileSync(join(source, path), "utf8").matchAll(imports)) {
      const target = from ?? alone ?? "";
      if (target.startsWith(".")) {
        visit(join(dirname(path), target));
      } else {
        packages.add(target);
      }
    }
  };
  visit(entry);
  return { modules: [...modules], packages: [...packages].sort() };
}

it.each([
  ["core/index.ts", []],
  ["core/legacy/index.ts", []],
  ["element/index.ts", []],
  ["react/index.ts", ["react"]],
  ["ai/index.ts", ["ai"]],
  ["worker/index.ts", ["workbox-routing", "workbox-strategies"]],
])("%s needs no other package than %j", (entry, packages) => {
  expect(reach(entry).packages).toEqual(packages);
});

/** Imports that are there at run time, and not only when one is called for. */
const LOADED = /^(?:import|export)(?! type)\b[^;]*?from "([^"]+)";|^import "([^"]+)";/gmu;

it.each(["core", "element", "react", "ai"])("%s loads what reads old messages later", (entry) => {
  const { modules } = reach(`${entry}/index.ts`, LOADED);
  expect(modules.length).toBeGreaterThan(3);
  expect(modules.filter((path) => path.includes("legacy/"))).toEqual([]);
});

it("makes each of them optional, so that an application installs those that it uses", () => {
  expect(manifest.dependencies).toBeUndefined();
  for (const name of Object.keys(manifest.peerDependencies)) {
    expect(manifest.peerDependenciesMeta[name]).toEqual({ optional: true });
  }
});
