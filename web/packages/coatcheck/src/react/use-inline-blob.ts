import { useEffect, useState } from "react";
import { decodeInlineImage, type InlineImage } from "../core/legacy/inline-image.ts";

/** Bytes that came inside a message, being decoded; `failed` where they are no base64. */
export type InlineBlob = Blob | "decoding" | "failed";

/** Decodes a picture's bytes without holding up the page; null where there are none to decode. */
export function useInlineBlob(image: InlineImage | null): InlineBlob | null {
  const [decoded, setDecoded] = useState<{
    readonly data: InlineImage["data"];
    readonly blob: Blob | null;
  } | null>(null);
  const data = image?.data ?? null;
  const mimeType = image?.mimeType ?? "";
  useEffect(() => {
    if (data === null || data instanceof Blob) {
      return;
    }
    const abandoned = new AbortController();
    decodeInlineImage({ data, mimeType }, abandoned.signal).then((blob) => {
      if (!abandoned.signal.aborted) {
        setDecoded({ data, blob });
      }
    });
    return () => abandoned.abort();
  }, [data, mimeType]);
  if (data === null || data instanceof Blob) {
    return data;
  }
  // Strings of megabytes are compared by identity first, and here they nearly always are the same one.
  return decoded?.data === data ? (decoded.blob ?? "failed") : "decoding";
}
