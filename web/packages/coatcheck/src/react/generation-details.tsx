import { use } from "react";
import { formatBytes } from "../core/format-bytes.ts";
import type { Generation } from "../core/generation.ts";
import type { WidgetMedia } from "./generated-part.tsx";
import { MediaLabelsContext } from "./labels.ts";

/** What was asked for, who made it, how large it is and when that was: as far as anyone said. */
export function GenerationDetails({ media, details }: Omit<Generation<WidgetMedia>, "requested">) {
  const labels = use(MediaLabelsContext);
  const made = readTime(details.timestamp);
  const facts = [
    { label: labels.model, value: details.model },
    { label: labels.size, value: sizeOf(media) ?? details.size?.replace("x", " × ") ?? null },
    {
      label: labels.weight,
      value: media.state === "ready" ? formatBytes(media.reference.size) : null,
    },
  ].filter(({ value }) => value !== null);
  return (
    <>
      {details.prompt !== null && (
        <p className="coat-prompt">
          {/* In its own direction, on the page's side. */}
          <bdi>{details.prompt}</bdi>
        </p>
      )}
      {(facts.length > 0 || made !== null) && (
        <dl className="coat-facts">
          {facts.map(({ label, value }) => (
            <div key={label}>
              <dt className="coat-hidden">{label}</dt>
              {/* Else 1600 × 900 would be 900 × 1600 on a page from right to left. */}
              <dd dir="auto">{value}</dd>
            </div>
          ))}
          {made !== null && (
            <div>
              <dt className="coat-hidden">{labels.time}</dt>
              <dd>
                <time dateTime={made.toISOString()}>{timeOf(made)}</time>
              </dd>
            </div>
          )}
        </dl>
      )}
    </>
  );
}

let formatter: Intl.DateTimeFormat | null = null;

/** By one formatter for all pictures: to make one takes milliseconds. */
function timeOf(made: Date): string {
  formatter ??= new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  return formatter.format(made);
}

function readTime(timestamp: string | null): Date | null {
  const time = timestamp === null ? Number.NaN : Date.parse(timestamp);
  return Number.isNaN(time) ? null : new Date(time);
}

/** The picture's own size is better than what was asked for. */
function sizeOf(media: WidgetMedia): string | null {
  const size =
    media.state === "ready" ? media.reference : media.state === "legacy" && media.image?.dimensions;
  return size && size.width !== undefined && size.height !== undefined
    ? `${size.width} × ${size.height}`
    : null;
}
