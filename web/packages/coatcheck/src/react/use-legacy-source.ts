import type { InlineImage } from "../core/legacy/inline-image.ts";
import { useInlineBlob } from "./use-inline-blob.ts";
import { useObjectUrl } from "./use-object-url.ts";

/** Where the pixels of a {@link LegacyImage} are now. */
export interface LegacySource {
  /** For an `<img>`: an address of its server, or of the bytes in this page. Null until there is one. */
  readonly url: string | null;
  /** The bytes, where the message carried them. */
  readonly blob: Blob | null;
  readonly isBroken: boolean;
}

/** Makes a source that an `<img>` can show out of what a message carried. */
export function useLegacySource(source: InlineImage | string | null): LegacySource {
  const decoded = useInlineBlob(typeof source === "string" ? null : source);
  const blob = decoded instanceof Blob ? decoded : null;
  const objectUrl = useObjectUrl(blob);
  return {
    url: typeof source === "string" ? source : objectUrl,
    blob,
    isBroken: decoded === "failed",
  };
}
