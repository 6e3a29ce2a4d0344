import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Reads one file of the vectors that every implementation of the wire format is tested on. */
export function readVectors<T>(name: string): T {
  const path = join(import.meta.dirname, "../../../../spec/vectors", name);
  return JSON.parse(readFileSync(path, "utf8")) as T;
}
