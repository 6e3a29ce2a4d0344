/** A picture whose bytes came inside a message. */
export interface InlineImage {
  readonly mimeType: string;
  /** Base64 that was not decoded yet, or the bytes where a worker did so. */
  readonly data: string | Blob;
}

/**
 * Reads bytes that a message carries: a `data:` URI, bare base64, or a Blob that a worker put in its place.
 *
 * Only the first characters are looked at; {@link decodeInlineImage} finds out about the rest.
 *
 * @returns null for anything that is no picture of an allowed type.
 */
export function readInlineImage(
  value: unknown,
  mimeType: string | null = null,
): InlineImage | null {
  if (value instanceof Blob) {
    return IMAGE_TYPES.has(value.type) ? { mimeType: value.type, data: value } : null;
  }
  if (typeof value !== "string") {
    return null;
  }
  if (value.startsWith("data:")) {
    const match = DATA_URI.exec(value.slice(0, MAX_URI_HEAD));
    const type = match?.[1]?.toLowerCase();
    return match !== null && type !== undefined && IMAGE_TYPES.has(type)
      ? { mimeType: type, data: value.slice(match[0].length) }
      : null;
  }
  const type = sniffBase64(value) ?? mimeType;
  return type !== null && IMAGE_TYPES.has(type) && isBase64Head(value)
    ? { mimeType: type, data: value }
    : null;
}

/**
 * Decodes the bytes in slices of under two milliseconds, between which the page can paint and answer.
 *
 * @param image - What was found inside a message.
 * @param signal - Ends the work when it is aborted.
 * @returns null if it is no base64, or if `signal` is aborted.
 */
export async function decodeInlineImage(
  { data, mimeType }: InlineImage,
  signal?: AbortSignal,
): Promise<Blob | null> {
  if (data instanceof Blob) {
    return data;
  }
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let start = 0; start < data.length; start += SLICE) {
    if (start > 0) {
      // biome-ignore lint/performance/noAwaitInLoops: letting the page go on is what it is for
      await pause();
    }
    if (signal?.aborted === true) {
      return null;
    }
    const bytes = decodeBase64(data.slice(start, start + SLICE));
    if (bytes === null) {
      return null;
    }
    parts.push(bytes);
  }
  return new Blob(parts, { type: mimeType });
}

/** Decodes a whole picture at once: for a worker, which paints nothing. */
export function decodeInlineImageNow({ data, mimeType }: InlineImage): Blob | null {
  if (data instanceof Blob) {
    return data;
  }
  const bytes = decodeBase64(data);
  return bytes === null ? null : new Blob([bytes], { type: mimeType });
}

/** What an `<img>` shows in any browser. SVG is not among them: its address, once opened, runs scripts. */
const IMAGE_TYPES: ReadonlySet<string> = new Set([
  "image/png",
  "image/jpeg",
  "image/gif",
  "image/webp",
  "image/avif",
]);

const DATA_URI = /^data:([a-z]+\/[a-z0-9.+-]+)(?:;[a-z0-9-]+=[^;,]*)*;base64,/iu;
/** Characters. A media type and its parameters need a fraction of it. */
const MAX_URI_HEAD = 256;

/** Characters, a multiple of four: 48 KB of bytes. */
const SLICE = 65_536;

/** How the base64 of a file begins whose first bytes are its type's. */
const MAGIC: readonly (readonly [string, string])[] = [
  ["iVBORw0KGgo", "image/png"],
  ["/9j/", "image/jpeg"],
  ["R0lGODdh", "image/gif"],
  ["R0lGODlh", "image/gif"],
  ["UklGR", "image/webp"],
];
const BASE64_HEAD = /^[A-Za-z0-9+/]+={0,2}$/u;
/** Characters. The smallest picture has about 35 bytes. */
const SHORTEST = 44;

function sniffBase64(value: string): string | null {
  return MAGIC.find(([head]) => value.startsWith(head))?.[1] ?? null;
}

function isBase64Head(value: string): boolean {
  return value.length >= SHORTEST && BASE64_HEAD.test(value.slice(0, 64));
}

function decodeBase64(base64: string): Uint8Array<ArrayBuffer> | null {
  try {
    const binary = atob(base64);
    const bytes = new Uint8Array(binary.length);
    for (let index = 0; index < binary.length; index += 1) {
      bytes[index] = binary.charCodeAt(index);
    }
    return bytes;
  } catch {
    return null;
  }
}

/** The next task; a promise alone would only be the end of this one. */
function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
}
