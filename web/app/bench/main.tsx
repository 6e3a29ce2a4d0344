/** A bare page for `benchmarks/browser`: it plays what it is told to, and shows nothing else. */

import "coatcheck/styles.css";
import "./bench.css";
import { createRoot } from "react-dom/client";
import { BenchPage } from "./bench-page.tsx";

const container = document.querySelector("#root");
if (container === null) {
  throw new Error("index.html has no #root element");
}
createRoot(container).render(<BenchPage />);
