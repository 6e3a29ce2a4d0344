/** Rows of boxes while the first pictures are read from the server; each row is as wide as the page. */
const ROWS = [
  [4, 3, 5],
  [3, 4, 3, 2],
  [5, 3, 4],
  [3, 5, 3],
] as const;

/** The outline of the gallery. */
export function GallerySkeleton() {
  return (
    <div className="gallery-skeleton" role="status" aria-label="Loading the pictures">
      {ROWS.map((row, number) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows never move
        <span className="gallery-skeleton-row" key={number}>
          {row.map((share, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: boxes never move
            <span className="skeleton" key={place} style={{ flexGrow: share }} />
          ))}
        </span>
      ))}
    </div>
  );
}
