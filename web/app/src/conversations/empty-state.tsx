interface EmptyStateProps {
  readonly onPick: (prompt: string) => void;
}

/** Prompts that the offline model understands, each with the blur of what it would bring. */
const SUGGESTIONS = [
  { prompt: "Draw a lighthouse at dusk", swatch: "dusk" },
  { prompt: "Draw a mountain lake at sunrise, 16:9", swatch: "sunrise" },
  { prompt: "Plot sin(x)/x from -20 to 20", swatch: "plot" },
  { prompt: "What can you do?", swatch: "talk" },
] as const;

/** The first thing to see: what this is, and four ways to begin. */
export function EmptyState({ onPick }: EmptyStateProps) {
  return (
    <div className="empty-state">
      <h2>
        Hand in the heavy coat,
        <br />
        keep a light ticket.
      </h2>
      <p>
        Ask for a picture. A reference of about 600 bytes travels through the chat; the pixels come
        over plain HTTP, once, and are cached for a year.
      </p>
      <ul className="suggestions" aria-label="Suggestions">
        {SUGGESTIONS.map(({ prompt, swatch }) => (
          <li key={prompt}>
            <button type="button" className="suggestion" onClick={() => onPick(prompt)}>
              <span className={`swatch swatch-${swatch}`} aria-hidden="true">
                {swatch === "plot" && <SincCurve />}
              </span>
              {prompt}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function SincCurve() {
  return (
    <svg viewBox="0 0 64 64" fill="none" stroke="currentColor" strokeWidth="2.5" aria-hidden="true">
      <path d={SINC_PATH} strokeLinejoin="round" strokeLinecap="round" />
    </svg>
  );
}

/** sin(x)/x over the swatch's width. */
const SINC_PATH = Array.from({ length: 49 }, (_, step) => {
  const x = ((step - 24) / 24) * 12;
  const y = x === 0 ? 1 : Math.sin(x) / x;
  return `${step === 0 ? "M" : "L"}${8 + step} ${(42 - y * 26).toFixed(2)}`;
}).join("");
