import "coatcheck/styles.css";
import "../styles/index.css";
import "./components.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { registerWorker } from "../offline/register.ts";
import { applyTheme, storedTheme } from "../shell/theme.ts";
import { fillElements } from "./element-section.ts";
import { ComponentsPage } from "./page.tsx";

applyTheme(storedTheme());
// `?dir=rtl` shows everything as a page that reads from the right does.
document.documentElement.dir =
  new URLSearchParams(location.search).get("dir") === "rtl" ? "rtl" : "ltr";

const container = document.querySelector("#root");
if (container === null) {
  throw new Error("components.html has no #root element");
}
fillElements();
createRoot(container).render(
  <StrictMode>
    <ComponentsPage />
  </StrictMode>,
);
registerWorker();
