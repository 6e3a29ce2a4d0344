import { useEffect, useState } from "react";
import { exactTime, relativeTime } from "../conversations/relative-time.ts";

const MINUTE = 60_000;

/** A time as `5 min. ago`, kept true while the page stays open. */
export function RelativeTime({ date }: { readonly date: Date }) {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), MINUTE);
    return () => clearInterval(timer);
  }, []);
  return (
    <time className="relative-time" dateTime={date.toISOString()} title={exactTime(date)}>
      {relativeTime(date, now)}
    </time>
  );
}
