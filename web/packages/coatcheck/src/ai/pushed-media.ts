import type { UIMessageChunk } from "ai";
import type { BinaryFrame } from "./binary-frames.ts";

/**
 * Bytes that came ahead of the parts that they belong to.
 *
 * They become a `Blob` in the part's data: `blob` of a preview, `thumbnail` of a finished picture. A
 * Blob cannot come over the wire as JSON, so a Blob in a message is one that was put there; and it needs
 * no URL that someone would have to revoke.
 */
export class PushedMedia {
  readonly #previews = new Map<string, Blob>();
  readonly #thumbnails = new Map<string, Blob>();

  take({ kind, id, mimeType, payload }: BinaryFrame): void {
    const blobs = kind === "preview" ? this.#previews : this.#thumbnails;
    blobs.set(id, new Blob([payload], { type: mimeType }));
  }

  /** The chunk with its bytes, if it is a part's and they came. */
  dress(chunk: UIMessageChunk): UIMessageChunk {
    if (chunk.type !== "data-media" || !("data" in chunk) || chunk.id === undefined) {
      return chunk;
    }
    const { id } = chunk;
    const data = chunk.data as Readonly<Record<string, unknown>> | null;
    if (data?.["state"] === "preview") {
      // A preview whose own bytes are missing goes on showing the last ones.
      const blob = this.#previews.get(id);
      return blob === undefined ? chunk : { ...chunk, data: { ...data, blob } };
    }
    const thumbnail = this.#thumbnails.get(id);
    this.#previews.delete(id);
    this.#thumbnails.delete(id);
    return data?.["state"] === "ready" && thumbnail !== undefined
      ? { ...chunk, data: { ...data, thumbnail } }
      : chunk;
  }

  /** Forgets what nothing came for. */
  clear(): void {
    this.#previews.clear();
    this.#thumbnails.clear();
  }
}
