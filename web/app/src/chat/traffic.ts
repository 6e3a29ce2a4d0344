import { parseMediaState } from "coatcheck";
import type { FrameReport } from "coatcheck/ai";
import { useSyncExternalStore } from "react";

/** What the chat cost on the socket since the page was opened, and what it would have cost more. */
export interface TrafficTotals {
  /** Bytes of all text frames, both ways. */
  readonly carried: number;
  /** Bytes of pushed previews and thumbnails. */
  readonly previews: number;
  /** Bytes of the pictures that were referred to instead of sent. */
  readonly keptOut: number;
}

/** Bytes of the frames that brought one picture. */
export interface Carried {
  /** Its messages: the states of its part, and the tool's output. */
  readonly messages: number;
  /** Its previews and its thumbnail, where they are pushed. */
  readonly previews: number;
}

/** Between two renders of figures that change with every frame. Long enough for a text to have the page. */
const INTERVAL_MS = 250;

/**
 * Adds up the frames that the transport saw, in total and for each picture.
 *
 * A picture's share is every frame that speaks of it: the states of its part, its previews and
 * thumbnail where they are pushed, and the tool's output.
 */
export class TrafficLedger {
  #totals: TrafficTotals = { carried: 0, previews: 0, keptOut: 0 };
  readonly #byMedia = new Map<string, Carried>();
  readonly #listeners = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** A recorder for one transport: part ids are only unique within a conversation. */
  openAccount(): (report: FrameReport) => void {
    const byPart = new Map<string, Carried>();
    return (report) => this.#record(report, byPart);
  }

  get totals(): TrafficTotals {
    return this.#totals;
  }

  /** Null if the picture came with the history. The same object until more is carried. */
  carriedFor(mediaId: string): Carried | null {
    return this.#byMedia.get(mediaId) ?? null;
  }

  /** Calls back for what was carried meanwhile, at most once in each interval. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #record(report: FrameReport, byPart: Map<string, Carried>): void {
    let keptOut = 0;
    if (report.direction === "pushed") {
      const { id } = report.frame;
      byPart.set(id, add(byPart.get(id), { messages: 0, previews: report.bytes }));
    } else if (report.direction === "received") {
      const { chunk } = report.frame;
      if (chunk.type === "data-media" && "data" in chunk) {
        keptOut = this.#recordPart(chunk.id ?? "", chunk.data, report.bytes, byPart);
      } else if (chunk.type === "tool-output-available") {
        const mediaId = mediaIdOfToolOutput(chunk.output);
        if (mediaId !== null) {
          this.#credit(mediaId, { messages: report.bytes, previews: 0 });
        }
      }
    }
    const { carried, previews } = this.#totals;
    const isPushed = report.direction === "pushed";
    this.#totals = {
      carried: carried + (isPushed ? 0 : report.bytes),
      previews: previews + (isPushed ? report.bytes : 0),
      keptOut: this.#totals.keptOut + keptOut,
    };
    this.#timer ??= setTimeout(this.#tell, INTERVAL_MS);
  }

  readonly #tell = () => {
    this.#timer = null;
    for (const listener of this.#listeners) {
      listener();
    }
  };

  /** @returns the size of a picture that became ready, or 0. */
  #recordPart(partId: string, data: unknown, bytes: number, byPart: Map<string, Carried>): number {
    const soFar = add(byPart.get(partId), { messages: bytes, previews: 0 });
    const media = parseMediaState(data);
    if (media.state !== "ready") {
      byPart.set(partId, soFar);
      return 0;
    }
    byPart.delete(partId);
    this.#credit(media.reference.id, soFar);
    return media.reference.size;
  }

  #credit(mediaId: string, carried: Carried): void {
    this.#byMedia.set(mediaId, add(this.#byMedia.get(mediaId), carried));
  }
}

function add(soFar: Carried | undefined, more: Carried): Carried {
  return {
    messages: (soFar?.messages ?? 0) + more.messages,
    previews: (soFar?.previews ?? 0) + more.previews,
  };
}

/** The page's one ledger. */
export const trafficLedger = new TrafficLedger();

/** The totals, re-rendering as frames pass. */
export function useTrafficTotals(): TrafficTotals {
  return useSyncExternalStore(trafficLedger.subscribe, () => trafficLedger.totals);
}

/** One picture's share, or null if it came with the history. */
export function useCarriedFor(mediaId: string): Carried | null {
  return useSyncExternalStore(trafficLedger.subscribe, () => trafficLedger.carriedFor(mediaId));
}

/** The reference comes whole or, as its part has brought it already, as its id alone. */
function mediaIdOfToolOutput(output: unknown): string | null {
  if (typeof output !== "object" || output === null || !("data" in output)) {
    return null;
  }
  const { data } = output;
  if (typeof data !== "object" || data === null || !("imageReference" in data)) {
    return null;
  }
  const { type, id } = { ...(data.imageReference as { type?: unknown; id?: unknown } | null) };
  return type === "media_reference" && typeof id === "string" ? id : null;
}
