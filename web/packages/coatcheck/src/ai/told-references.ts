import type { UIMessageChunk } from "ai";
import { asFields } from "../core/fields.ts";

/**
 * References that came in `data-media` parts of a turn.
 *
 * The server sends each of them once. The output of the tool that made the picture names it by its `id`,
 * and is completed here: readers of the stream find the whole reference in both.
 */
export class ToldReferences {
  readonly #references = new Map<string, Readonly<Record<string, unknown>>>();

  /** The chunk with the whole reference, where it names one that came before. */
  complete(chunk: UIMessageChunk): UIMessageChunk {
    if (chunk.type === "data-media") {
      this.#remember(chunk.data);
      return chunk;
    }
    if (chunk.type !== "tool-output-available") {
      return chunk;
    }
    const output = asFields(chunk.output);
    const data = asFields(output?.["data"]);
    const named = asFields(data?.["imageReference"]);
    const reference = this.#references.get(String(named?.["id"]));
    if (reference === undefined || named?.["url"] !== undefined) {
      return chunk;
    }
    const { url, thumbnailUrl } = reference;
    const addresses = { fullImageUrl: url, thumbnailUrl: thumbnailUrl ?? url };
    return {
      ...chunk,
      output: { ...output, data: { ...data, imageReference: reference, ...addresses } },
    };
  }

  /** Forgets them: the turn has ended. */
  clear(): void {
    this.#references.clear();
  }

  #remember(data: unknown): void {
    const reference = asFields(asFields(data)?.["reference"]);
    if (typeof reference?.["id"] === "string") {
      this.#references.set(reference["id"], reference);
    }
  }
}
