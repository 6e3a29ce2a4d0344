import { type InlineImage, readInlineImage } from "./inline-image.ts";

/** A stretch of a message's text: words, a picture that stood among them, or one that still comes. */
export type TextPiece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "image"; readonly alt: string; readonly image: InlineImage }
  | { readonly kind: "arriving"; readonly alt: string };

/**
 * Takes the pictures out of Markdown: `![alt](data:image/png;base64,…)`.
 *
 * For a renderer, which then never sees the base64. That matters most while a text streams: half a
 * picture is an `arriving` piece, where Markdown would set megabytes of letters at each chunk. Each
 * character is passed once, however often a picture only seems to begin.
 */
export function splitMarkdownImages(text: string): readonly TextPiece[] {
  const pieces: TextPiece[] = [];
  let written = 0;
  for (const { start, end, piece } of imagesIn(text)) {
    pushText(pieces, text.slice(written, start));
    pieces.push(piece);
    written = end;
  }
  pushText(pieces, text.slice(written));
  return pieces;
}

interface Found {
  readonly start: number;
  readonly end: number;
  readonly piece: TextPiece;
}

function* imagesIn(text: string): Generator<Found> {
  let done = 0;
  let close = 0;
  for (
    let at = text.indexOf(OPENING);
    at >= 0;
    at = text.indexOf(OPENING, Math.max(at + 1, done))
  ) {
    const alt = altBefore(text, done, at);
    if (alt !== null) {
      // Looked for once, however many pictures seem to begin before it.
      close = close < at ? text.indexOf(")", at) : close;
      const start = at - alt.length - 2;
      if (close < 0) {
        yield { start, end: text.length, piece: { kind: "arriving", alt } };
        return;
      }
      const image = readInlineImage(text.slice(at + 2, close));
      if (image !== null) {
        done = close + 1;
        yield { start, end: done, piece: { kind: "image", alt, image } };
      }
    }
  }
}

const OPENING = "](data:image/";
/** Characters. */
const MAX_ALT = 1000;

function pushText(pieces: TextPiece[], text: string): void {
  if (text !== "") {
    pieces.push({ kind: "text", text });
  }
}

function altBefore(text: string, from: number, at: number): string | null {
  const near = text.slice(Math.max(from, at - MAX_ALT), at);
  const start = near.lastIndexOf("![");
  const alt = near.slice(start + 2);
  return start < 0 || alt.includes("\n") ? null : alt;
}
