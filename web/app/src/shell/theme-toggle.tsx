import { MoonIcon, SunIcon } from "./icons.tsx";
import { useTheme } from "./theme.ts";

/** Switches between light and dark, and remembers the choice. */
export function ThemeToggle() {
  const { theme, toggle } = useTheme();
  const label = theme === "dark" ? "Switch to the light theme" : "Switch to the dark theme";
  return (
    <button
      type="button"
      className="icon-button"
      data-testid="theme-toggle"
      aria-label={label}
      title={label}
      onClick={toggle}
    >
      {theme === "dark" ? <SunIcon /> : <MoonIcon />}
    </button>
  );
}
