/** A line icon on a 24-unit grid. Decoration: its button's label speaks. */
export function ViewerIcon({ name }: { readonly name: keyof typeof PATHS }) {
  return (
    <svg className="coat-icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

const PATHS = {
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h10v10H9zM5 15V5h10",
  done: "M5 12.5l4.5 4.5L19 7.5",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  link: "M10 14l4-4M8 11l-2.5 2.5a3.5 3.5 0 0 0 5 5L13 16M16 13l2.5-2.5a3.5 3.5 0 0 0-5-5L11 8",
  minus: "M5 12h14",
  next: "M9 5l7 7-7 7",
  plus: "M12 5v14M5 12h14",
  previous: "M15 5l-7 7 7 7",
} as const;
