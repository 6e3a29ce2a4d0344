/** Where a gallery's tiles lie, known before any picture is: references carry their measures. */

/** A tile's box within the gallery's content, in CSS pixels. */
export interface TileBox {
  readonly index: number;
  /** From the side that reading starts at. */
  readonly start: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A row of tiles side by side. */
interface Row {
  readonly first: number;
  readonly count: number;
  readonly top: number;
  readonly height: number;
}

export interface GalleryLayout {
  readonly rows: readonly Row[];
  readonly tiles: readonly TileBox[];
  /** Of all the rows. */
  readonly height: number;
}

export interface LayoutOptions {
  /** CSS pixels that a row takes. */
  readonly width: number;
  /** CSS pixels: of each row in a grid, of the usual row where rows are justified. */
  readonly rowHeight: number;
  /** CSS pixels between tiles, both ways. */
  readonly gap: number;
}

/**
 * Rows as wide as the gallery, in which each picture keeps its shape. Takes a few milliseconds for ten
 * thousand.
 *
 * @param ratios width by height of each picture.
 */
export function justifiedLayout(ratios: readonly number[], options: LayoutOptions): GalleryLayout {
  const { width, rowHeight, gap } = options;
  const builder = new LayoutBuilder(gap);
  let row: number[] = [];
  let sum = 0;
  for (const ratio of ratios) {
    const shape = Math.min(WIDEST, Math.max(NARROWEST, ratio));
    row.push(shape);
    sum += shape;
    const height = (width - gap * (row.length - 1)) / sum;
    if (height <= rowHeight) {
      builder.add(row, height);
      row = [];
      sum = 0;
    }
  }
  // What is left over is not blown up to fill a row.
  builder.add(row, rowHeight);
  return builder.finish();
}

/** Rows of equal squares, as many as fit at about the row's height. */
export function gridLayout(count: number, options: LayoutOptions): GalleryLayout {
  const { width, rowHeight, gap } = options;
  const columns = Math.max(1, Math.round((width + gap) / (rowHeight + gap)));
  const side = (width - gap * (columns - 1)) / columns;
  const builder = new LayoutBuilder(gap);
  for (let first = 0; first < count; first += columns) {
    builder.add(new Array<number>(Math.min(columns, count - first)).fill(1), side);
  }
  return builder.finish();
}

/** The indices [from, to) of the tiles whose rows touch a stretch of the content. */
export function tilesWithin(
  { rows }: GalleryLayout,
  top: number,
  bottom: number,
): { readonly from: number; readonly to: number } {
  const first = rows[rowAt(rows, top)];
  const last = rows[rowAt(rows, bottom)];
  return first === undefined || last === undefined
    ? { from: 0, to: 0 }
    : { from: first.first, to: last.first + last.count };
}

/** The tile above or below another: in the next row, nearest to its middle. Itself at the ends. */
export function tileBeside({ rows, tiles }: GalleryLayout, index: number, step: number): number {
  const tile = tiles[index];
  if (tile === undefined) {
    return index;
  }
  const here = rowAt(rows, tile.top);
  const row = rows[Math.min(rows.length - 1, Math.max(0, here + step))];
  if (row === undefined || row === rows[here]) {
    return index;
  }
  const middle = tile.start + tile.width / 2;
  const distance = (candidate: TileBox) => Math.abs(candidate.start + candidate.width / 2 - middle);
  return tiles
    .slice(row.first, row.first + row.count)
    .reduce((best, candidate) => (distance(candidate) < distance(best) ? candidate : best)).index;
}

/** How far a panorama or a column is followed; beyond it the tile is cut. */
const WIDEST = 3;
const NARROWEST = 0.5;

class LayoutBuilder {
  readonly #gap: number;
  readonly #rows: Row[] = [];
  readonly #tiles: TileBox[] = [];
  #top = 0;

  constructor(gap: number) {
    this.#gap = gap;
  }

  add(shapes: readonly number[], height: number): void {
    if (shapes.length === 0) {
      return;
    }
    const first = this.#tiles.length;
    let start = 0;
    for (const [offset, shape] of shapes.entries()) {
      const width = shape * height;
      this.#tiles.push({ index: first + offset, start, top: this.#top, width, height });
      start += width + this.#gap;
    }
    this.#rows.push({ first, count: shapes.length, top: this.#top, height });
    this.#top += height + this.#gap;
  }

  finish(): GalleryLayout {
    const height = Math.max(0, this.#top - this.#gap);
    return { rows: this.#rows, tiles: this.#tiles, height };
  }
}

/** The last row that begins at or above `top`; the first row when none does. */
function rowAt(rows: readonly Row[], top: number): number {
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((rows[middle]?.top ?? 0) <= top) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}
