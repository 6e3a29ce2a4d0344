import { readFileSync } from "node:fs";

/** Reads one file of the vectors that every implementation of the wire format is tested on. */
export function readVectors<T>(name: string): T {
  const path = new URL(`../../../../spec/vectors/${name}`, import.meta.url);
  return JSON.parse(readFileSync(path, "utf8")) as T;
}
