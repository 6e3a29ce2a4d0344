import { type Generation, type GenerationSource, readGeneration, readyOf } from "../generation.ts";
import type { MediaState } from "../media-state.ts";
import type { LegacyImage, Picture } from "./picture.ts";
import { parseToolOutput } from "./tool-output.ts";

/** A picture in any state that it may be in, also one from before there were references. */
export type AnyMedia = MediaState | { readonly state: "legacy"; readonly image: LegacyImage };

/**
 * Reads what a chat tells of one picture, as `parseGeneration` of `coatcheck` does, and outputs in every
 * form that there ever was. Never throws.
 *
 * @param source - The parts that tell of the picture.
 */
export function parseGeneration(source: GenerationSource): Generation<AnyMedia> {
  return readGeneration<Picture, AnyMedia>(source, {
    readOutput: parseToolOutput,
    mediaOf: (picture) =>
      picture.kind === "reference" ? readyOf(picture) : { state: "legacy", image: picture.image },
    unread: null,
  });
}
