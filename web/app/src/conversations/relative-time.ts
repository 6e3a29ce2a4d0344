const STEPS = [
  ["minute", 60, 60],
  ["hour", 3600, 24],
  ["day", 86_400, 7],
  ["week", 604_800, 5],
  ["month", 2_629_746, 12],
  ["year", 31_556_952, Number.POSITIVE_INFINITY],
] as const;

/** The demo speaks English; a formatter costs a page milliseconds, the first one of all more. */
const LOCALE = "en";
let shared: Intl.RelativeTimeFormat | null = null;

function formatFor(locale: string): Intl.RelativeTimeFormat {
  const make = () => new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
  if (locale !== LOCALE) {
    return make();
  }
  shared ??= make();
  return shared;
}

/** Each makes a formatter, for a time at which nothing waits for it. */
export const WARM_FORMATTERS: readonly (() => void)[] = [
  () => formatFor(LOCALE).format(0, "second"),
  () => exactTime(new Date()),
];

const TO_THE_SECOND: Intl.DateTimeFormatOptions = {
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "numeric",
  minute: "numeric",
  second: "numeric",
};
let exact: Intl.DateTimeFormat | null = null;

/** A time to the second, as the reader's system writes it. */
export function exactTime(time: Date): string {
  exact ??= new Intl.DateTimeFormat(undefined, TO_THE_SECOND);
  return exact.format(time);
}

/** How long ago something was, in the reader's words: `now`, `5 min. ago`, `yesterday`. */
export function relativeTime(then: Date, now: Date, locale = LOCALE): string {
  const format = formatFor(locale);
  const seconds = (then.getTime() - now.getTime()) / 1000;
  // A server's clock a little ahead of the reader's is no reason to speak of the future.
  if (seconds > -45) {
    return format.format(0, "second");
  }
  for (const [unit, length, limit] of STEPS) {
    const count = Math.round(seconds / length);
    if (-count < limit) {
      return format.format(Math.min(count, -1), unit);
    }
  }
  return format.format(0, "second");
}
