import "./strict-csp.ts";
import "coatcheck/styles.css";
import "./styles/index.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ComparePage } from "./compare/compare-page.tsx";
import { registerWorker } from "./offline/register.ts";
import { App } from "./shell/app.tsx";
import { applyTheme, storedTheme } from "./shell/theme.ts";

applyTheme(storedTheme());

const container = document.querySelector("#root");
if (container === null) {
  throw new Error("index.html has no #root element");
}
createRoot(container).render(
  <StrictMode>{location.pathname === "/compare" ? <ComparePage /> : <App />}</StrictMode>,
);
registerWorker();
