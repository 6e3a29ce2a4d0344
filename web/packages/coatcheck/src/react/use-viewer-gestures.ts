import { type PointerEvent, type RefObject, useEffect, useMemo, useRef } from "react";
import { distanceBetween, type Point, pinch, swipeOf, wheelFactor } from "../core/zoom.ts";
import type { Zoom } from "./use-zoom.ts";

/** What a gesture can ask for besides zooming. */
export interface GestureActions {
  /** A swipe towards a side of the screen. */
  readonly onSwipe: (towards: "left" | "right") => void;
  /** A swipe downwards, or a press beside the picture. */
  readonly onDismiss: () => void;
}

type Handler = (event: PointerEvent<HTMLElement>) => void;

/** Handlers for the stage. */
export interface GestureHandlers {
  readonly onPointerDown: Handler;
  readonly onPointerMove: Handler;
  readonly onPointerUp: Handler;
  readonly onPointerCancel: Handler;
}

/**
 * Reads a stage's pointers and its wheel: one finger pans or swipes, two pinch, two taps zoom in and
 * out, a wheel zooms at the pointer.
 */
export function useViewerGestures(
  stageRef: RefObject<HTMLElement | null>,
  zoom: Zoom,
  actions: GestureActions,
): GestureHandlers {
  const latest = useRef({ zoom, actions });
  useEffect(() => {
    latest.current = { zoom, actions };
  });

  useEffect(() => {
    const stage = stageRef.current;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      latest.current.zoom.zoomBy(wheelFactor(event), fromMiddle(event, stage), false);
    };
    // Not by a prop: React listens passively, and the page would zoom or scroll as well.
    stage?.addEventListener("wheel", onWheel, { passive: false });
    return () => stage?.removeEventListener("wheel", onWheel);
  }, [stageRef]);

  return useMemo(() => {
    const gesture = new Gesture();
    const end: Handler = (event) =>
      gesture.lift(event, latest.current.zoom, latest.current.actions);
    return {
      onPointerDown: (event) => gesture.press(event),
      onPointerMove: (event) => gesture.move(event, latest.current.zoom),
      onPointerUp: end,
      onPointerCancel: end,
    };
  }, []);
}

/** The fingers on the stage and what they have done since the first came down. */
class Gesture {
  readonly #fingers = new Map<number, Point>();
  #start: { readonly at: Point; readonly time: number; readonly onPicture: boolean } | null = null;
  /** The end of the last tap, for telling two of them from one. */
  #tap: { readonly at: Point; readonly time: number } | null = null;

  press(event: PointerEvent<HTMLElement>): void {
    // A press on the button of a picture that failed is the button's own.
    if (event.button !== 0 || (event.target as Element).closest("button, a") !== null) {
      return;
    }
    const at = fromMiddle(event, event.currentTarget);
    event.currentTarget.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, at);
    const isFirst = this.#fingers.size === 1;
    // Two fingers never swipe or tap.
    this.#start = isFirst
      ? { at, time: event.timeStamp, onPicture: event.target !== event.currentTarget }
      : null;
  }

  move(event: PointerEvent<HTMLElement>, zoom: Zoom): void {
    const before = this.#fingers.get(event.pointerId);
    if (before === undefined) {
      return;
    }
    const at = fromMiddle(event, event.currentTarget);
    const other = [...this.#fingers].find(([id]) => id !== event.pointerId)?.[1];
    this.#fingers.set(event.pointerId, at);
    if (other !== undefined) {
      const { factor, at: middle, by } = pinch([before, other], [at, other]);
      zoom.zoomBy(factor, middle, false);
      zoom.panBy(by);
    } else if (zoom.scale > 1) {
      zoom.panBy({ x: at.x - before.x, y: at.y - before.y });
    } else if (this.#start !== null && event.pointerType !== "mouse") {
      zoom.dragTo(dragged(this.#start.at, at));
    }
  }

  lift(event: PointerEvent<HTMLElement>, zoom: Zoom, actions: GestureActions): void {
    if (!this.#fingers.delete(event.pointerId) || this.#start === null) {
      return;
    }
    const { at: start, time, onPicture } = this.#start;
    this.#start = null;
    const at = fromMiddle(event, event.currentTarget);
    if (zoom.scale === 1) {
      zoom.dragTo(ORIGIN);
    }
    if (event.type === "pointercancel") {
      return;
    }
    if (distanceBetween(start, at) < TAP_SLOP) {
      this.#tapAt(at, event.timeStamp, zoom, onPicture ? null : actions.onDismiss);
    } else if (zoom.scale === 1 && event.pointerType !== "mouse") {
      const swipe = swipeOf({ x: at.x - start.x, y: at.y - start.y }, event.timeStamp - time);
      if (swipe === "close") {
        actions.onDismiss();
      } else if (swipe !== null) {
        actions.onSwipe(swipe);
      }
    }
  }

  #tapAt(at: Point, time: number, zoom: Zoom, dismiss: (() => void) | null): void {
    const isSecond = this.#isSecondTap(at, time);
    if (dismiss !== null) {
      dismiss();
    } else if (isSecond && zoom.scale > 1) {
      zoom.reset();
    } else if (isSecond) {
      zoom.zoomBy(DOUBLE_TAP_ZOOM, at);
    }
  }

  #isSecondTap(at: Point, time: number): boolean {
    const last = this.#tap;
    const isSecond =
      last !== null &&
      time - last.time < DOUBLE_TAP_MS &&
      distanceBetween(last.at, at) < DOUBLE_TAP_SLOP;
    this.#tap = isSecond ? null : { at, time };
    return isSecond;
  }
}

const ORIGIN: Point = { x: 0, y: 0 };
/** CSS pixels that a finger may tremble. */
const TAP_SLOP = 8;
const DOUBLE_TAP_SLOP = 32;
const DOUBLE_TAP_MS = 320;
const DOUBLE_TAP_ZOOM = 2.5;

/** Along the one axis that a swipe goes; upwards leads nowhere, so the picture does not follow. */
function dragged(start: Point, at: Point): Point {
  const x = at.x - start.x;
  const y = at.y - start.y;
  return Math.abs(x) > Math.abs(y) ? { x, y: 0 } : { x: 0, y: Math.max(0, y) };
}

function fromMiddle(
  event: { readonly clientX: number; readonly clientY: number },
  stage: HTMLElement | null,
): Point {
  const { left, top, width, height } = stage?.getBoundingClientRect() ?? new DOMRect();
  return { x: event.clientX - left - width / 2, y: event.clientY - top - height / 2 };
}
