/**
 * A size for people, in decimal units as browsers and file managers give them: `640 B`, `1.8 MB`.
 */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 KB would round to "1000 kB"; it belongs to the next unit.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

const UNITS = ["B", "KB", "MB", "GB", "TB"] as const;
