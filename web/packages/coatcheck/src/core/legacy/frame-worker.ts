/** The worker behind `FrameReader`: parses large frames and decodes the pictures in them. */

import { readJsonAt } from "./lazy-json.ts";
import { lightenFrame } from "./lighten.ts";

// A worker's own global, whose types cannot stand beside a page's in one program.
const scope = globalThis as unknown as Pick<Worker, "postMessage" | "addEventListener">;

scope.addEventListener("message", ({ data }: MessageEvent<string>) => {
  const json = readJsonAt(data, 0);
  scope.postMessage(json === null ? null : { value: lightenFrame(json.value) });
});
