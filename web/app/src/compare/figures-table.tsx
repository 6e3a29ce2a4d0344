import { formatBytes } from "coatcheck";
import type { Figures, PictureTimes } from "./trial.ts";
import type { SideState } from "./use-comparison.ts";

interface Row {
  readonly label: string;
  readonly read: (figures: Figures) => number | null;
  readonly write: (value: number) => string;
}

const ROWS: readonly Row[] = [
  { label: "Over the socket", read: ({ bytes }) => bytes, write: formatBytes },
  { label: "Largest frame", read: ({ largestFrame }) => largestFrame, write: formatBytes },
  {
    label: "First pixels",
    read: ({ pictures }) => median(pictures, "firstPixels"),
    write: milliseconds,
  },
  { label: "Full picture", read: ({ pictures }) => median(pictures, "full"), write: milliseconds },
  { label: "All painted", read: ({ settled }) => settled, write: milliseconds },
  { label: "Longest handler", read: ({ longestHandler }) => longestHandler, write: milliseconds },
  { label: "Tasks over 50 ms", read: ({ longTasks }) => longTasks, write: String },
  { label: "Page blocked", read: ({ blocking }) => blocking, write: milliseconds },
  { label: "Violations", read: ({ slowHandlers }) => slowHandlers, write: String },
];

interface FiguresTableProps {
  readonly legacy: SideState;
  readonly references: SideState;
}

/** Both sides' figures in rows, as they grow. */
export function FiguresTable({ legacy, references }: FiguresTableProps) {
  return (
    <table className="figures" data-testid="figures">
      <caption className="visually-hidden">What the same pictures cost</caption>
      <thead>
        <tr>
          <td />
          <th scope="col">Legacy</th>
          <th scope="col">References</th>
        </tr>
      </thead>
      <tbody>
        {ROWS.map(({ label, read, write }) => (
          <tr key={label}>
            <th scope="row">{label}</th>
            <FigureCell side={legacy} read={read} write={write} />
            <FigureCell side={references} read={read} write={write} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function FigureCell({ side, read, write }: Omit<Row, "label"> & { readonly side: SideState }) {
  const value = side.figures === null ? null : read(side.figures);
  return <td data-status={side.status}>{value === null ? "–" : write(value)}</td>;
}

function median(pictures: readonly PictureTimes[], moment: "firstPixels" | "full"): number | null {
  const times = pictures.flatMap((picture) => picture[moment] ?? []).sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)] ?? null;
}

function milliseconds(value: number): string {
  return value >= 10_000
    ? `${(value / 1000).toFixed(1)} s`
    : `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}
