import { describe, expect, it } from "vitest";
import { Heights, REACH, segmentsAround } from "../src/transcript/message-window.ts";

/** `gap 0-10, 10-20, gap 20-30` for messages 10 to 19 of 30. */
function inWords(segments: ReturnType<typeof segmentsAround>): string {
  const words: string[] = [];
  let first: number | null = null;
  segments.forEach((segment, at) => {
    if (segment.kind === "gap") {
      words.push(`gap ${segment.from}-${segment.to}`);
      return;
    }
    first ??= segment.index;
    const next = segments[at + 1];
    if (next?.kind !== "message" || next.index !== segment.index + 1) {
      words.push(`${first}-${segment.index + 1}`);
      first = null;
    }
  });
  return words.join(", ");
}

describe("segmentsAround", () => {
  it("has all of a short conversation", () => {
    expect(inWords(segmentsAround(30, 29, []))).toBe("0-30");
    expect(segmentsAround(0, -1, [])).toEqual([]);
  });

  it("leaves room for what is far from the view", () => {
    expect(inWords(segmentsAround(2000, 1000, []))).toBe("gap 0-950, 950-1051, gap 1051-2000");
    expect(inWords(segmentsAround(2000, 1999, []))).toBe("gap 0-1949, 1949-2000");
    expect(inWords(segmentsAround(2000, 0, []))).toBe("0-51, gap 51-2000");
  });

  it("has what must stay as well, in its place", () => {
    const kept = [1999, 3, 1000, -1];
    expect(inWords(segmentsAround(2000, 1000, kept))).toBe(
      "gap 0-3, 3-4, gap 4-950, 950-1051, gap 1051-1999, 1999-2000",
    );
  });

  it("is bounded", () => {
    const messages = segmentsAround(100_000, 50_000, [99_999]).filter(
      ({ kind }) => kind === "message",
    );
    expect(messages).toHaveLength(2 * REACH + 2);
  });
});

describe("Heights", () => {
  const ids = ["a", "b", "c"];

  it("finds the message at a height", () => {
    const heights = new Heights();
    ids.forEach((id, index) => {
      heights.set(id, 100 * (index + 1));
    });
    expect(heights.sum(ids)).toBe(600);
    expect([-5, 0, 99, 100, 299, 300, 5000].map((y) => heights.indexAt(ids, y))).toEqual([
      0, 0, 0, 1, 1, 2, 2,
    ]);
  });

  it("has a guess for what was never seen", () => {
    expect(new Heights().sum(ids)).toBeGreaterThan(0);
  });
});
