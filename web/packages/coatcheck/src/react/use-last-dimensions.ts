import { useState } from "react";
import type { Generation } from "../core/generation.ts";
import type { Dimensions } from "../core/media-state.ts";

/** A preview does not repeat the size that the pending state announced; the box keeps it. */
export function useLastDimensions(media: Generation["media"]): Dimensions | null {
  const [last, setLast] = useState<Dimensions | null>(null);
  const current = "dimensions" in media ? media.dimensions : null;
  if (current !== null && (current.width !== last?.width || current.height !== last.height)) {
    setLast(current);
  }
  return current ?? last;
}
