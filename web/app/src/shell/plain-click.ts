import type { MouseEvent } from "react";

/**
 * For a link within the page. One that is asked to open elsewhere does so; only a plain click stays.
 */
export function onPlainClick(run: () => void): (event: MouseEvent) => void {
  return (event) => {
    if (!(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)) {
      event.preventDefault();
      run();
    }
  };
}
