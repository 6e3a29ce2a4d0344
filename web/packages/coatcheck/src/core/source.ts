import { withQueryParameter } from "./address.ts";
import type { MediaReference } from "./reference.ts";

/** What an `<img>` needs to fetch the display picture. */
export interface ImageSource {
  readonly src: string;
  /** Present when the server renders other widths than the original's. */
  readonly srcSet?: string;
}

/**
 * The addresses of a picture at display size: the original, and a `srcset` of the widths the server
 * offers below it. Null for a stored form, which has no address until a server mints one.
 */
export function imageSource(reference: MediaReference): ImageSource | null {
  const { url, width, variants = [] } = reference;
  if (url === undefined) {
    return null;
  }
  // A variant as wide as the original would fetch the same pixels under a second name.
  const widths = [...new Set(variants)]
    .filter((candidate) => width === undefined || candidate < width)
    .sort((a, b) => a - b);
  if (widths.length === 0) {
    return { src: url };
  }
  const candidates = widths.map(
    (candidate) => `${withQueryParameter(url, "w", String(candidate))} ${candidate}w`,
  );
  if (width !== undefined) {
    candidates.push(`${url} ${width}w`);
  }
  return { src: url, srcSet: candidates.join(", ") };
}

/** The address that answers with `Content-Disposition: attachment`, or null for a stored form. */
export function downloadAddress(reference: MediaReference): string | null {
  return reference.url === undefined ? null : withQueryParameter(reference.url, "download", "true");
}
