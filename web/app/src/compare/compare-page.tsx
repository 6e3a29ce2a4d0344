import { type RefObject, useId, useMemo, useRef, useState } from "react";
import { HangerIcon } from "../shell/icons.tsx";
import { ThemeToggle } from "../shell/theme-toggle.tsx";
import { ComparedMessages } from "./compared-messages.tsx";
import { FiguresTable } from "./figures-table.tsx";
import type { Side, Way } from "./trial.ts";
import { type Activity, type SideState, useComparison } from "./use-comparison.ts";

interface WayChoice {
  readonly way: Way;
  readonly label: string;
  readonly count: number;
  readonly explanation: string;
}

const WAYS: readonly WayChoice[] = [
  {
    way: "frame",
    label: "One frame",
    count: 10,
    explanation: "Ten pictures, each in one message, as a tool’s result.",
  },
  {
    way: "growing",
    label: "Growing text",
    count: 10,
    explanation: "Ten pictures in a text that is sent whole each time it grows.",
  },
  {
    way: "tokens",
    label: "Token by token",
    count: 1,
    explanation:
      "One picture, as text that is rendered as Markdown while it streams. Legacy freezes this page for many seconds.",
  },
];

/** Plays the same pictures as base64 and as references, and shows what each costs the page. */
export function ComparePage() {
  const legacy = useRef<HTMLElement>(null);
  const references = useRef<HTMLElement>(null);
  const panes = useMemo(() => ({ legacy, references }), []);
  const { activity, error, way, sides, play, stop } = useComparison(panes);
  const [chosen, setChosen] = useState<WayChoice>(WAYS[0] as WayChoice);
  const isIdle = activity === "idle";

  return (
    <div className="compare">
      <header className="compare-bar">
        <a className="brand" href="/">
          <HangerIcon />
          Coatcheck
        </a>
        <ThemeToggle />
      </header>
      <main className="compare-main">
        <div className="compare-intro">
          <h1>Legacy or references</h1>
          <p>
            The same pictures through the same socket: as base64 in the messages, and as references
            whose pixels come over HTTP.
          </p>
        </div>
        <section className="compare-panel" aria-label="Figures">
          <WayPicker chosen={chosen} disabled={!isIdle} onChoose={setChosen} />
          <p className="compare-explanation">{chosen.explanation}</p>
          <div className="compare-actions">
            {isIdle ? (
              <button
                type="button"
                className="button button-primary"
                data-testid="compare-play"
                onClick={() => void play(chosen.way, chosen.count)}
              >
                Play both
              </button>
            ) : (
              <button type="button" className="button" onClick={stop}>
                Stop
              </button>
            )}
            <p role="status">{describe(activity)}</p>
          </div>
          {error !== null && (
            <p className="compare-error" role="alert">
              It could not be played: {error}
            </p>
          )}
          <FiguresTable legacy={sides.legacy} references={sides.references} />
          <p className="compare-note">
            Times are medians, from a picture’s first frame. A violation is a message handler over
            150&nbsp;ms, which Chrome reports to its console.
          </p>
        </section>
        <Pane side="legacy" title="Legacy" state={sides.legacy} way={way} pane={legacy} />
        <Pane
          side="references"
          title="References"
          state={sides.references}
          way={way}
          pane={references}
        />
      </main>
    </div>
  );
}

function describe(activity: Activity): string {
  switch (activity) {
    case "idle":
      return "";
    case "preparing":
      return "Painting the pictures…";
    case "references":
      return "Playing references…";
    case "legacy":
      return "Playing legacy…";
  }
}

interface WayPickerProps {
  readonly chosen: WayChoice;
  readonly disabled: boolean;
  readonly onChoose: (choice: WayChoice) => void;
}

function WayPicker({ chosen, disabled, onChoose }: WayPickerProps) {
  const name = useId();
  return (
    <fieldset className="segments" disabled={disabled}>
      <legend className="visually-hidden">How messages arrive</legend>
      {WAYS.map((choice) => (
        <label key={choice.way}>
          <input
            type="radio"
            name={name}
            value={choice.way}
            checked={choice === chosen}
            onChange={() => onChoose(choice)}
          />
          <span>{choice.label}</span>
        </label>
      ))}
    </fieldset>
  );
}

interface PaneProps {
  readonly side: Side;
  readonly title: string;
  readonly state: SideState;
  readonly way: Way;
  readonly pane: RefObject<HTMLElement | null>;
}

function Pane({ side, title, state, way, pane }: PaneProps) {
  return (
    <section className="compare-pane" data-side={side} aria-label={title}>
      <h2>
        {title}
        <span className="compare-status">{STATUS_WORDS[state.status]}</span>
      </h2>
      <section
        className="compare-scroll"
        ref={pane}
        data-testid={`compare-${side}`}
        aria-label={`${title}: conversation`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by key
        tabIndex={0}
      >
        {state.messages.length === 0 && (
          <p className="compare-empty">
            {side === "legacy"
              ? "Here the messages carry the pictures."
              : "Here the messages carry tickets."}
          </p>
        )}
        <ComparedMessages messages={state.messages} way={way} />
      </section>
    </section>
  );
}

const STATUS_WORDS = {
  waiting: "",
  playing: "playing",
  done: "done",
  stopped: "stopped",
} as const;
