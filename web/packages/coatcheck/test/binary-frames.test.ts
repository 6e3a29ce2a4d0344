import { type BinaryFrame, decodeBinaryFrame } from "coatcheck/ai";
import { describe, expect, it } from "vitest";
import { readVectors } from "./vectors.ts";

interface Readable {
  readonly name: string;
  readonly kind: BinaryFrame["kind"];
  readonly header: Omit<BinaryFrame, "kind" | "payload">;
  readonly payload: string;
  readonly frame: string;
}

const vectors = readVectors<{
  readonly valid: readonly Readable[];
  readonly readable: readonly Readable[];
  readonly invalid: readonly Pick<Readable, "name" | "frame">[];
}>("frames.json");

function bytes(base64: string): ArrayBuffer {
  return new Uint8Array(Buffer.from(base64, "base64")).buffer;
}

describe("a binary frame", () => {
  it.each([...vectors.valid, ...vectors.readable])("is read: $name", (vector) => {
    expect(decodeBinaryFrame(bytes(vector.frame))).toEqual({
      kind: vector.kind,
      ...vector.header,
      payload: new Uint8Array(bytes(vector.payload)),
    });
  });

  it.each(vectors.invalid)("is passed over: $name", ({ frame }) => {
    expect(decodeBinaryFrame(bytes(frame))).toBeNull();
  });

  it("is passed over when it is larger than agreed", () => {
    const [vector] = vectors.valid;
    const small = new Uint8Array(bytes(vector?.frame ?? ""));
    const large = new Uint8Array(256 * 1024 + 1);
    large.set(small);
    expect(decodeBinaryFrame(large.buffer)).toBeNull();
    expect(decodeBinaryFrame(large.buffer.slice(0, 256 * 1024))).not.toBeNull();
  });
});
