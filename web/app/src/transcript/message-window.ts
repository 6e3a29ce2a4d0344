/**
 * Messages that are kept in the document on either side of the first one in view. Fifty of the
 * shortest are higher than any screen, and it is what the server gives at once.
 */
export const REACH = 50;

/** How many messages the reader may go before the window follows: each time a handful changes. */
export const SLACK = 10;

/** What a message that has never been in the document is taken to be high, in CSS pixels. */
const USUAL_HEIGHT = 160;

/** What stands in the document: a message, or the room of those that do not. */
export type Segment =
  | { readonly kind: "message"; readonly index: number }
  | { readonly kind: "gap"; readonly from: number; readonly to: number };

/**
 * The messages around one, and others that have to stay, with gaps where some are left out; the
 * order is that of the conversation.
 *
 * @param kept indices, in any order; those that are in the window anyway do no harm.
 */
export function segmentsAround(
  count: number,
  centre: number,
  kept: readonly number[],
): readonly Segment[] {
  const from = Math.max(0, centre - REACH);
  const to = Math.min(count, centre + REACH + 1);
  const window = Array.from({ length: Math.max(0, to - from) }, (_, offset) => from + offset);
  const shown = [...new Set([...window, ...kept])]
    .filter((index) => index >= 0 && index < count)
    .sort((one, other) => one - other);
  const segments: Segment[] = [];
  let next = 0;
  for (const index of shown) {
    if (index > next) {
      segments.push({ kind: "gap", from: next, to: index });
    }
    segments.push({ kind: "message", index });
    next = index + 1;
  }
  if (next < count) {
    segments.push({ kind: "gap", from: next, to: count });
  }
  return segments;
}

/** Heights of messages as they were last seen, margins included, in CSS pixels. */
export class Heights {
  readonly #seen = new Map<string, number>();

  set(id: string, height: number): void {
    this.#seen.set(id, height);
  }

  of(id: string): number {
    return this.#seen.get(id) ?? USUAL_HEIGHT;
  }

  /** The height of all of these. */
  sum(ids: readonly string[]): number {
    return ids.reduce((total, id) => total + this.of(id), 0);
  }

  /** Which of these, one below the other, lies at a height; the last one for what is below them. */
  indexAt(ids: readonly string[], y: number): number {
    let bottom = 0;
    const index = ids.findIndex((id) => {
      bottom += this.of(id);
      return bottom > y;
    });
    return index < 0 ? ids.length - 1 : index;
  }
}
