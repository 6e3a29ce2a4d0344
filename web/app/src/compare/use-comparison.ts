import { type RefObject, useCallback, useRef, useState } from "react";
import { type ComparedMessage, Play } from "./play.ts";
import type { Figures, Side, Way } from "./trial.ts";

/** How far a side is. */
export type SideStatus = "waiting" | "playing" | "done" | "stopped";

/** One side of the comparison as the page shows it. */
export interface SideState {
  readonly status: SideStatus;
  readonly messages: readonly ComparedMessage[];
  readonly figures: Figures | null;
}

/** What goes on: pictures are made ready, one side plays, or nothing. */
export type Activity = "idle" | "preparing" | Side;

interface Comparison {
  readonly activity: Activity;
  readonly error: string | null;
  /** How the messages on the page arrived. */
  readonly way: Way;
  readonly sides: Readonly<Record<Side, SideState>>;
  readonly play: (way: Way, count: number) => Promise<void>;
  readonly stop: () => void;
}

/** The elements below which each side's messages are shown. */
export type Panes = Readonly<Record<Side, RefObject<HTMLElement | null>>>;

const PATH = "/ws/compare";
const REFRESH_MS = 200;
const EMPTY: SideState = { status: "waiting", messages: [], figures: null };

/** Plays both sides, one after the other: together they would be in each other's way. */
export function useComparison(panes: Panes): Comparison {
  const [activity, setActivity] = useState<Activity>("idle");
  const [error, setError] = useState<string | null>(null);
  const [way, setWay] = useState<Way>("frame");
  const [sides, setSides] = useState<Comparison["sides"]>({ legacy: EMPTY, references: EMPTY });
  const controller = useRef<AbortController | null>(null);

  const play = useCallback(
    async (wanted: Way, count: number) => {
      const abort = new AbortController();
      controller.current = abort;
      setWay(wanted);
      setError(null);
      setSides({ legacy: EMPTY, references: EMPTY });
      setActivity("preparing");
      try {
        await prepare(abort.signal);
        // References first: where legacy freezes the page, their figures are there already.
        for (const side of ["references", "legacy"] as const) {
          const root = panes[side].current;
          if (root === null) {
            return;
          }
          setActivity(side);
          const show = (seen: Partial<SideState>) =>
            setSides((before) => ({ ...before, [side]: { ...before[side], ...seen } }));
          const current = new Play({ path: PATH, side, way: wanted, count }, root, () =>
            show({ messages: current.messages }),
          );
          // biome-ignore lint/performance/noAwaitInLoops: one after the other is the point
          await follow(current, abort.signal, show);
        }
      } catch (failure) {
        if (!abort.signal.aborted) {
          setError(failure instanceof Error ? failure.message : String(failure));
        }
      } finally {
        setActivity("idle");
      }
    },
    [panes],
  );
  const stop = useCallback(() => controller.current?.abort(), []);
  return { activity, error, way, sides, play, stop };
}

/** The first visitor's pictures are painted now; a conversation without any ends when they are. */
async function prepare(signal: AbortSignal): Promise<void> {
  const nothing = { path: PATH, side: "references", way: "frame", count: 0 } as const;
  await new Play(nothing, document.documentElement, () => undefined).run(signal);
}

async function follow(
  play: Play,
  signal: AbortSignal,
  show: (seen: Partial<SideState>) => void,
): Promise<void> {
  // Not with each message: to look at the page's boxes there would be part of what is measured.
  const refresh = (status: SideStatus) => show({ status, figures: play.figures() });
  const timer = setInterval(refresh, REFRESH_MS, "playing");
  try {
    await play.run(signal);
  } finally {
    clearInterval(timer);
    refresh(signal.aborted ? "stopped" : "done");
  }
}
