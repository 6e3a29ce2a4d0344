import { useEffect, useState } from "react";
import { ComparedMessages } from "../src/compare/compared-messages.tsx";
import { Play } from "../src/compare/play.ts";
import type { Figures, Trial } from "../src/compare/trial.ts";

/** Offers `play` to whoever drives the browser, and shows what is played. */
export function BenchPage() {
  // Plain state: React draws when it has time for it, which is the mildest for long messages.
  const [shown, setShown] = useState<Pick<Play, "messages" | "trial"> | null>(null);
  useEffect(() => {
    const play = async (trial: Trial): Promise<Figures> => {
      const current = new Play(trial, document.documentElement, () =>
        setShown({ trial, messages: current.messages }),
      );
      await current.run(new AbortController().signal);
      return current.figures();
    };
    Object.assign(globalThis, { play });
  }, []);
  return shown && <ComparedMessages messages={shown.messages} way={shown.trial.way} />;
}
