import "coatcheck/styles.css";
import "./styles/index.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { WARM_FORMATTERS } from "./conversations/relative-time.ts";
import { registerWorker } from "./offline/register.ts";
import { App } from "./shell/app.tsx";
import { whenIdle } from "./shell/later.ts";
import { comparison, gallery, richText, viewer } from "./shell/parts.ts";
import { applyTheme, storedTheme } from "./shell/theme.ts";
import { transcript } from "./transcript/part.ts";

applyTheme(storedTheme());

const container = document.querySelector("#root");
if (container === null) {
  throw new Error("index.html has no #root element");
}
const root = createRoot(container);
if (location.pathname === "/compare") {
  const { ComparePage } = await comparison.load();
  root.render(
    <StrictMode>
      <ComparePage />
    </StrictMode>,
  );
} else {
  root.render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
  // The likeliest first. What could not be loaded now is asked for again when it is needed.
  whenIdle([
    ...WARM_FORMATTERS,
    ...[transcript, richText, viewer, gallery, comparison].map(
      (part) => () => void part.load().catch(() => undefined),
    ),
  ]);
}
registerWorker();
