import { asFields, isWholeNumber } from "../core/fields.ts";

/** The bytes of a preview or thumbnail, pushed by the server before the part that they belong to. */
export interface BinaryFrame {
  readonly kind: "preview" | "thumbnail";
  /** The id of the `data-media` part. */
  readonly id: string;
  readonly mimeType: string;
  /** Pixels of the payload. */
  readonly width: number;
  readonly height: number;
  /** The number of the chunk that brought the part into its state. */
  readonly seq: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/**
 * Reads a binary frame: a prefix of eight bytes (version, kind, two reserved, length of the header),
 * a JSON header, the payload. `spec/wire.md` is normative.
 *
 * @returns null for anything else, kinds of a later version included. Never throws.
 */
export function decodeBinaryFrame(data: ArrayBuffer): BinaryFrame | null {
  if (data.byteLength <= PREFIX_BYTES || data.byteLength > MAX_BINARY_FRAME) {
    return null;
  }
  const view = new DataView(data);
  const kind = KINDS.get(view.getUint8(1));
  const payloadStart = PREFIX_BYTES + view.getUint32(4);
  if (view.getUint8(0) !== VERSION || kind === undefined || payloadStart >= data.byteLength) {
    return null;
  }
  const header = readHeader(data.slice(PREFIX_BYTES, payloadStart));
  return header === null ? null : { kind, ...header, payload: new Uint8Array(data, payloadStart) };
}

/** Bytes of a frame, header included. */
export const MAX_BINARY_FRAME = 256 * 1024;

const VERSION = 1;
const PREFIX_BYTES = 8;
const KINDS: ReadonlyMap<number, BinaryFrame["kind"]> = new Map([
  [1, "preview"],
  [2, "thumbnail"],
]);
/** What a picture may be; it decides what the browser takes the bytes for. */
const IMAGE_TYPE = /^image\/[a-z0-9][a-z0-9.+-]*$/u;

type Header = Pick<BinaryFrame, "id" | "mimeType" | "width" | "height" | "seq">;

function readHeader(bytes: ArrayBuffer): Header | null {
  const { id, mimeType, width, height, seq } = asFields(readJson(bytes)) ?? {};
  const isUsable =
    typeof id === "string" &&
    id !== "" &&
    typeof mimeType === "string" &&
    IMAGE_TYPE.test(mimeType) &&
    isWholeNumber(width, 1) &&
    isWholeNumber(height, 1) &&
    isWholeNumber(seq, 0);
  return isUsable ? { id, mimeType, width, height, seq } : null;
}

function readJson(bytes: ArrayBuffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
