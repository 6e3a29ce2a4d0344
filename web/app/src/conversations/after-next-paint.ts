/** Calls back once the next frame has been painted, or soon in a page that is not shown; returns what stops that. */
export function afterNextPaint(callback: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const frame = requestAnimationFrame(() => {
    clearTimeout(timer);
    timer = setTimeout(callback);
  });
  // A page in the background has no frames.
  timer = setTimeout(() => {
    cancelAnimationFrame(frame);
    callback();
  }, LONGEST_WAIT_MS);
  return () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
}

const LONGEST_WAIT_MS = 250;
