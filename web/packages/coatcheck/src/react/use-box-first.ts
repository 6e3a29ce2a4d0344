import { useDeferredValue, useState, useSyncExternalStore } from "react";

/**
 * Whether a picture is in a first render that draws its box alone.
 *
 * When many come at once, the first are mounted whole and the others as boxes: the page has their layout
 * in one short task, and their contents follow in slices that React yields between. Not for a single
 * picture: React gives way to every other update, and a text that streams beside it would hold it up.
 * Markup from a server holds everything, so that its pictures load before any script.
 */
export function useBoxFirst(): boolean {
  const isFromServer = useSyncExternalStore(neverChanges, onPage, onServer);
  const [isLate] = useState(isSliceSpent);
  return !useDeferredValue(true, isFromServer || !isLate);
}

const neverChanges = () => () => undefined;
const onPage = () => false;
const onServer = () => true;

/** Milliseconds; React's own slices are as long. */
const SLICE_MS = 5;

/** When the first picture of this turn of the event loop was mounted; forgotten as the turn ends. */
let sliceBegan: number | null = null;

function isSliceSpent(): boolean {
  const now = performance.now();
  if (sliceBegan === null) {
    sliceBegan = now;
    queueMicrotask(() => {
      sliceBegan = null;
    });
  }
  return now - sliceBegan > SLICE_MS;
}
