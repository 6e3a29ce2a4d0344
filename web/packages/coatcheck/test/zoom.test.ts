import { describe, expect, it } from "vitest";
import {
  confine,
  FIT,
  largestScale,
  pan,
  pinch,
  swipeOf,
  wheelFactor,
  zoomAt,
} from "../src/core/zoom.ts";

describe("zooming", () => {
  it("keeps what is under the pointer there", () => {
    const point = { x: 120, y: -40 };
    const view = zoomAt({ scale: 1.5, x: 10, y: 20 }, 2, point, 8);
    const before = { x: (point.x - 10) / 1.5, y: (point.y - 20) / 1.5 };
    expect((point.x - view.x) / view.scale).toBeCloseTo(before.x);
    expect((point.y - view.y) / view.scale).toBeCloseTo(before.y);
  });

  it("ends at the fitting size and at the largest", () => {
    expect(zoomAt(FIT, 0.1, { x: 0, y: 0 }, 8).scale).toBe(1);
    expect(zoomAt(FIT, 100, { x: 0, y: 0 }, 8).scale).toBe(8);
  });

  it("lets a large picture be seen four pixels for one", () => {
    expect(largestScale({ width: 400, height: 400 }, { width: 4000, height: 4000 })).toBe(40);
    expect(largestScale({ width: 400, height: 400 }, { width: 200, height: 200 })).toBe(8);
    expect(largestScale({ width: 400, height: 400 }, null)).toBe(8);
    expect(largestScale({ width: 0, height: 0 }, { width: 10, height: 10 })).toBe(8);
  });

  it("zooms alike for lines and pixels, finely for a trackpad's pinch, never wildly", () => {
    const notch = wheelFactor({ deltaY: -100, deltaMode: 0, ctrlKey: false });
    expect(notch).toBeCloseTo(1.22, 2);
    expect(wheelFactor({ deltaY: 100, deltaMode: 0, ctrlKey: false })).toBeCloseTo(1 / notch);
    expect(wheelFactor({ deltaY: -3, deltaMode: 1, ctrlKey: false })).toBeGreaterThan(1);
    expect(wheelFactor({ deltaY: -1e9, deltaMode: 0, ctrlKey: true })).toBeLessThan(2);
  });
});

describe("panning", () => {
  const fitted = { width: 400, height: 200 };
  const stage = { width: 400, height: 400 };

  it("never shows an edge inside the stage", () => {
    expect(confine(pan({ scale: 2, x: 0, y: 0 }, { x: 900, y: 0 }), fitted, stage).x).toBe(200);
    expect(confine({ scale: 3, x: 0, y: -900 }, fitted, stage).y).toBe(-100);
  });

  it("keeps a side that is shorter than the stage in its middle", () => {
    expect(confine({ scale: 1.5, x: 0, y: 80 }, fitted, stage).y).toBe(0);
  });
});

describe("fingers", () => {
  it("pinch: by how much, where, and which way both went", () => {
    const { factor, at, by } = pinch(
      [
        { x: -50, y: 0 },
        { x: 50, y: 0 },
      ],
      [
        { x: -90, y: 10 },
        { x: 110, y: 10 },
      ],
    );
    expect(factor).toBe(2);
    expect(at).toEqual({ x: 10, y: 10 });
    expect(by).toEqual({ x: 10, y: 10 });
  });

  it("that begin in one point do not divide by nothing", () => {
    const same = { x: 1, y: 1 };
    expect(pinch([same, same], [same, { x: 11, y: 1 }]).factor).toBe(10);
  });

  it.each([
    [{ x: -120, y: 10 }, 600, "left"],
    [{ x: 120, y: 10 }, 600, "right"],
    [{ x: 40, y: 0 }, 100, "right"],
    [{ x: 40, y: 0 }, 600, null],
    [{ x: 10, y: 150 }, 600, "close"],
    [{ x: 10, y: -150 }, 100, null],
  ] as const)("that went %o in %i ms meant %s", (by, time, meaning) => {
    expect(swipeOf(by, time)).toBe(meaning);
  });
});
