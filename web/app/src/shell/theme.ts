import { useCallback, useState, useSyncExternalStore } from "react";

export type Theme = "light" | "dark";

const STORAGE_KEY = "coatcheck-theme";
const DARK_QUERY = "(prefers-color-scheme: dark)";

/** The reader's own choice, or null to follow the system. */
export function storedTheme(): Theme | null {
  try {
    const stored = localStorage.getItem(STORAGE_KEY);
    return stored === "light" || stored === "dark" ? stored : null;
  } catch {
    // Storage can be forbidden altogether; then the system decides.
    return null;
  }
}

/** Sets the theme on the document, where `color-scheme` and every `light-dark()` follow it. */
export function applyTheme(theme: Theme | null): void {
  if (theme === null) {
    document.documentElement.removeAttribute("data-theme");
  } else {
    document.documentElement.setAttribute("data-theme", theme);
  }
}

/** The theme in force, and a toggle whose choice survives a reload. */
export function useTheme(): { readonly theme: Theme; readonly toggle: () => void } {
  const [chosen, setChosen] = useState(storedTheme);
  const system = useSyncExternalStore(subscribeToSystem, systemTheme);
  const theme = chosen ?? system;

  const toggle = useCallback(() => {
    const next = theme === "dark" ? "light" : "dark";
    setChosen(next);
    applyTheme(next);
    try {
      localStorage.setItem(STORAGE_KEY, next);
    } catch {
      // The choice then lasts as long as the page does.
    }
  }, [theme]);

  return { theme, toggle };
}

function systemTheme(): Theme {
  return matchMedia(DARK_QUERY).matches ? "dark" : "light";
}

function subscribeToSystem(onChange: () => void): () => void {
  const query = matchMedia(DARK_QUERY);
  query.addEventListener("change", onChange);
  return () => query.removeEventListener("change", onChange);
}
