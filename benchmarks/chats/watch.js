// Runs in every chat before its own scripts: notes when pictures are painted. Nothing else is asked
// of the page while it is measured. `spec` says what to look for: see Sight in contenders.py.
(spec) => {
  const READABLE = 128; // natural pixels: less is a blur that stands in for the picture
  const POLL = 50; // ms
  const pictures = new Map();
  const waiting = [];
  const tasks = [];
  let entered = 0;

  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) tasks.push({ startTime, duration });
  }).observe({ type: "longtask", buffered: true });

  addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Enter") entered = event.timeStamp;
    },
    true,
  );

  // `load` does not bubble, but it is captured.
  document.addEventListener(
    "load",
    ({ target }) => {
      if (target instanceof HTMLImageElement && target.matches(spec.layers)) note(target);
    },
    true,
  );

  async function note(image) {
    await image.decode().catch(() => undefined); // replaced meanwhile: the next one counts
    await painted();
    const now = performance.now();
    const key = keyOf(image);
    const seen = pictures.get(key) ?? { entered, first: now, readable: null, full: null };
    const isFull = image.matches(spec.full);
    if (isFull || image.naturalWidth >= READABLE) seen.readable ??= now;
    if (isFull) seen.full ??= now;
    seen.image = image;
    pictures.set(key, seen);
    for (const check of [...waiting]) check();
  }

  function keyOf(image) {
    if (spec.box !== null) return image.closest(spec.box)?.getAttribute(spec.key);
    const source = image.currentSrc;
    return source.length < 1000 ? source : `${source.length} ${source.slice(-200)}`;
  }

  function painted() {
    // A task that is posted in a frame's callback runs after that frame has been painted.
    return new Promise((resolve) => {
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = resolve;
        port2.postMessage(null);
      });
    });
  }

  function complete() {
    return [...pictures.values()].filter(({ full }) => full !== null);
  }

  globalThis.chatWatch = {
    /** How many pictures the page has, loaded or waiting to be scrolled to. */
    count: () => document.querySelectorAll(spec.box ?? spec.layers).length,

    /** Milliseconds from Enter for the picture `number`, counted from 1, once it is there. */
    picture: (number) =>
      new Promise((resolve) => {
        const check = () => {
          const last = complete()[number - 1];
          if (last === undefined) return;
          waiting.splice(waiting.indexOf(check), 1);
          resolve({
            first: last.first - last.entered,
            readable: last.readable - last.entered,
            full: last.full - last.entered,
            width: last.image.getBoundingClientRect().width,
          });
        };
        waiting.push(check);
        check();
      }),

    /** Until an element is there. */
    element: (selector) =>
      new Promise((resolve) => {
        const look = () =>
          document.querySelector(selector) === null ? setTimeout(look, POLL) : resolve();
        look();
      }),

    /** Tasks over 50 ms that began after `since`, and what they had over 50 ms together. */
    longTasks: (since) => {
      const mine = tasks.filter(({ startTime }) => startTime >= since);
      return {
        count: mine.length,
        blocking: mine.reduce((sum, { duration }) => sum + duration - 50, 0),
      };
    },
  };
}
