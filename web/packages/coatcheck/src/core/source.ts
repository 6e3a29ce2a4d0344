import { withQueryParameter } from "./address.ts";
import type { MediaReference } from "./reference.ts";

/** What an `<img>` needs to fetch the display picture. */
export interface ImageSource {
  readonly src: string;
  /** Present when the server renders other widths than the original's. */
  readonly srcSet?: string;
}

/** What {@link imageSource} heeds besides the reference. */
export interface ImageSourceOptions {
  /** The picture itself, pixel by pixel, where a reader looks closer than any other width allows. */
  readonly original?: boolean;
  /** Offer the smallest width alone; {@link savesData} says whether the reader asked for that. */
  readonly saveData?: boolean;
}

/**
 * The addresses of a picture at display size: a `srcset` of the widths that the server offers. Null for a
 * stored form, which has no address until a server mints one.
 *
 * A width as wide as the original is offered too: the server sends it in a format that is made for
 * display, in a tenth of the bytes of a PNG. The original is among them only where a server offers
 * nothing that fills a column.
 */
export function imageSource(
  reference: MediaReference,
  { original = false, saveData = false }: ImageSourceOptions = {},
): ImageSource | null {
  const { url, width, variants = [] } = reference;
  if (url === undefined) {
    return null;
  }
  const offered = offeredWidths(variants, width);
  const widths = saveData ? offered.slice(0, 1) : offered;
  const widest = widths.at(-1);
  if (original || widest === undefined) {
    return { src: url };
  }
  const candidates = widths.map(
    (candidate) => `${withQueryParameter(url, "w", String(candidate))} ${candidate}w`,
  );
  if (width !== undefined && widest < Math.min(width, WIDE_ENOUGH) && !saveData) {
    candidates.push(`${url} ${width}w`);
  }
  return { src: url, srcSet: candidates.join(", ") };
}

/**
 * The address of a picture in a small box, as a gallery's: its thumbnail, or the smallest of the server's
 * widths where the thumbnail would be shown blurred. Null for a stored form.
 *
 * @param pixels - How many of the screen's pixels the box is wide; 0 for the least that there is.
 */
export function thumbnailAddress(reference: MediaReference, pixels: number): string | null {
  const { url, thumbnailUrl, width, height, variants = [] } = reference;
  if (url === undefined) {
    return thumbnailUrl ?? null;
  }
  const offered = offeredWidths(variants, width);
  if (thumbnailUrl === undefined) {
    const enough = offered.find((candidate) => candidate >= pixels) ?? offered.at(-1);
    return enough === undefined ? url : withQueryParameter(url, "w", String(enough));
  }
  if (!(width && height)) {
    return thumbnailUrl;
  }
  const own = Math.round(width * Math.min(1, THUMBNAIL_EDGE / Math.max(width, height)));
  const next = offered.find((candidate) => candidate > own);
  return next === undefined || pixels <= own * BLURRED
    ? thumbnailUrl
    : withQueryParameter(url, "w", String(next));
}

/** By how much a picture is drawn larger than it is before one sees it. */
const BLURRED = 1.25;

/** Pixels that neither edge of a thumbnail exceeds; see `spec/wire.md`. */
const THUMBNAIL_EDGE = 256;

/** Pixels of a width that does for any display: a reader who looks closer gets the original. */
export const WIDE_ENOUGH = 1024;

function offeredWidths(variants: readonly number[], width: number | undefined): number[] {
  return [...new Set(variants)]
    .filter((candidate) => width === undefined || candidate <= width)
    .sort((a, b) => a - b);
}

/** Whether the reader asked the browser to fetch little, by its own setting or the system's. */
export function savesData(): boolean {
  const { connection } = navigator as Navigator & {
    readonly connection?: { readonly saveData?: boolean };
  };
  return connection?.saveData === true || matchMedia("(prefers-reduced-data: reduce)").matches;
}

/** The most that a box takes, as CSS lengths. */
export interface BoxLimits {
  /** How wide the column is. */
  readonly inlineSize: string;
  /** What `--coat-max-block-size` says. */
  readonly blockSize: string;
}

/**
 * How wide a picture is shown in its box, for the `sizes` of an `<img>`. An image that is loaded lazily is
 * asked itself, where a browser knows that.
 *
 * @param limits - Those of the page; by default a reading column, and the height of the default looks.
 */
export function boxSizes(
  { width, height }: { readonly width?: number | null; readonly height?: number | null },
  loading: "eager" | "lazy",
  { inlineSize, blockSize }: BoxLimits = { inlineSize: "48rem", blockSize: "34rem" },
): string {
  const byHeight = width && height ? `, ${(width / height).toFixed(4)} * ${blockSize}` : "";
  const sizes = `min(100vw, ${inlineSize}${byHeight})`;
  return loading === "lazy" ? `auto, ${sizes}` : sizes;
}

/** As {@link boxSizes}, for a picture that fits the window. */
export function windowSizes({ width, height }: MediaReference): string {
  return width === undefined || height === undefined
    ? "100vw"
    : `(max-aspect-ratio: ${width}/${height}) 100vw, ${((100 * width) / height).toFixed(1)}vh`;
}

/** The address that answers with `Content-Disposition: attachment`, or null for a stored form. */
export function downloadAddress(reference: MediaReference): string | null {
  return reference.url === undefined ? null : withQueryParameter(reference.url, "download", "true");
}
