import { useEffect, useState } from "react";

/**
 * Takes files that are dropped anywhere on the page, which the browser would otherwise leave for them.
 *
 * @returns whether files are being held over the page.
 */
export function useFileDrop(onFiles: (files: readonly File[]) => void): boolean {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    // Each element on the way is entered before the one before it is left.
    let depth = 0;
    const listening = new AbortController();
    const listen = (type: "dragenter" | "dragover" | "dragleave" | "drop", step: number) =>
      addEventListener(
        type,
        (event) => {
          if (event.dataTransfer?.types.includes("Files") !== true) {
            return;
          }
          event.preventDefault();
          depth = type === "drop" ? 0 : depth + step;
          setOver(depth > 0);
          if (type === "drop") {
            onFiles([...event.dataTransfer.files]);
          }
        },
        { signal: listening.signal },
      );
    listen("dragenter", 1);
    listen("dragover", 0);
    listen("dragleave", -1);
    listen("drop", 0);
    return () => listening.abort();
  }, [onFiles]);
  return isOver;
}
