import { useCallback, useEffect, useState } from "react";

type LegacyModule = typeof import("./legacy-part.tsx");

/** Kept once it is there, so that the next old picture is read in its first render. */
let loaded: LegacyModule | null = null;

/** Loads what shows old pictures: most pages have none. */
export function useLegacy() {
  const [legacy, setLegacy] = useState<LegacyModule | "loading" | "failed">(loaded ?? "loading");
  useEffect(() => {
    if (legacy !== "loading") {
      return;
    }
    let isGone = false;
    const tell = (outcome: LegacyModule | "failed") => {
      if (!isGone) {
        setLegacy(outcome);
      }
    };
    import("./legacy-part.tsx").then(
      (module) => {
        loaded = module;
        tell(module);
      },
      () => tell("failed"),
    );
    return () => {
      isGone = true;
    };
  }, [legacy]);
  const retry = useCallback(() => setLegacy("loading"), []);
  return { legacy, retry };
}
