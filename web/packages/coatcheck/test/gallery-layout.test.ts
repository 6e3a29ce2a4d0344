import { describe, expect, it } from "vitest";
import {
  gridLayout,
  justifiedLayout,
  tileBeside,
  tilesWithin,
} from "../src/core/gallery-layout.ts";

const options = { width: 1000, rowHeight: 200, gap: 10 };
const ratios = Array.from({ length: 10_000 }, (_, index) => 0.5 + ((index * 7) % 20) / 10);

describe("justified rows", () => {
  const layout = justifiedLayout(ratios, options);

  it("hold every picture once, in order", () => {
    expect(layout.tiles.map(({ index }) => index)).toEqual([...ratios.keys()]);
    const counted = layout.rows.reduce((sum, { count }) => sum + count, 0);
    expect(counted).toBe(ratios.length);
  });

  it("fill the width exactly, and keep each picture's shape", () => {
    for (const { first, count } of layout.rows.slice(0, -1)) {
      const last = layout.tiles[first + count - 1];
      expect((last?.start ?? 0) + (last?.width ?? 0)).toBeCloseTo(1000, 6);
    }
    for (const { index, width, height } of layout.tiles) {
      expect(width / height).toBeCloseTo(ratios[index] ?? 0, 6);
    }
  });

  it("do not blow up what is left over", () => {
    expect(justifiedLayout([1], options).tiles[0]).toMatchObject({ width: 200, height: 200 });
  });

  it("cut panoramas and columns", () => {
    const [wide] = justifiedLayout([40], options).tiles;
    expect((wide?.width ?? 0) / (wide?.height ?? 1)).toBeCloseTo(3);
    expect(justifiedLayout([], options)).toEqual({ rows: [], tiles: [], height: 0 });
  });

  it("end where the last row ends", () => {
    const last = layout.rows.at(-1);
    expect(layout.height).toBeCloseTo((last?.top ?? 0) + (last?.height ?? 0));
  });
});

describe("a grid", () => {
  it("has as many equal columns as fit", () => {
    const { tiles, rows } = gridLayout(12, options);
    expect(rows.map(({ count }) => count)).toEqual([5, 5, 2]);
    expect(new Set(tiles.map(({ width }) => width))).toEqual(new Set([192]));
  });

  it("has one column where not even one fits", () => {
    expect(gridLayout(2, { ...options, width: 50 }).rows).toHaveLength(2);
  });
});

describe("what is in view", () => {
  const layout = gridLayout(10_000, options);

  it("is found anywhere", () => {
    const { from, to } = tilesWithin(layout, 100_000, 100_800);
    const tops = layout.tiles.slice(from, to).map(({ top }) => top);
    expect(Math.min(...tops)).toBeLessThanOrEqual(100_000);
    expect(Math.max(...tops)).toBeGreaterThan(100_598);
    expect(to - from).toBeLessThanOrEqual(30);
  });

  it("begins with the first and ends with the last", () => {
    expect(tilesWithin(layout, -500, 300)).toEqual({ from: 0, to: 10 });
    expect(tilesWithin(layout, 1e9, 2e9)).toEqual({ from: 9995, to: 10_000 });
    expect(tilesWithin({ rows: [], tiles: [], height: 0 }, 0, 100)).toEqual({ from: 0, to: 0 });
  });
});

describe("up and down", () => {
  const layout = gridLayout(12, options);

  it("lead to the tile in the next row that is nearest", () => {
    expect(tileBeside(layout, 1, 1)).toBe(6);
    expect(tileBeside(layout, 6, -1)).toBe(1);
    expect(tileBeside(layout, 9, 1)).toBe(11);
    expect(tileBeside(layout, 1, 3)).toBe(11);
  });

  it("lead nowhere at the ends", () => {
    expect(tileBeside(layout, 1, -1)).toBe(1);
    expect(tileBeside(layout, 11, 1)).toBe(11);
    expect(tileBeside(layout, 99, 1)).toBe(99);
  });
});
