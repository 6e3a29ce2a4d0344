/** The looks of one `<coat-image>`: those of `coatcheck/styles.css`, with the same custom properties. */
export const ELEMENT_STYLES = `
:host {
  display: block;
}

:host([hidden]) {
  display: none;
}

[part~="box"] {
  position: relative;
  overflow: hidden;
  inline-size: min(
    100%,
    var(--natural-width, 100%),
    var(--coat-max-block-size, 34rem) * var(--ratio)
  );
  aspect-ratio: var(--ratio);
  border-radius: var(--coat-radius, 0.75rem);
  background: var(--coat-surface, light-dark(#eee, #222));
}

img,
[part~="notice"] {
  position: absolute;
  inset: 0;
  inline-size: 100%;
  block-size: 100%;
  object-fit: cover;
}

[part~="placeholder"] {
  filter: blur(1rem);
  transform: scale(1.12);
}

[part~="thumbnail"],
[part~="image"] {
  opacity: 0;
  transition: opacity var(--coat-fade, 320ms) ease-out;
}

[data-phase="thumbnail"] > [part~="thumbnail"],
[data-phase="full"] > [part~="image"] {
  opacity: 1;
}

[data-phase="full"] > :is([part~="placeholder"], [part~="thumbnail"]) {
  opacity: 0;
  transition: opacity 0s var(--coat-fade, 320ms);
}

[part~="notice"] {
  box-sizing: border-box;
  display: flex;
  flex-direction: column;
  gap: 0.35rem;
  align-items: center;
  justify-content: center;
  padding: 1rem;
  color: var(--coat-ink, light-dark(#222, #eee));
  background: color-mix(in oklab, var(--coat-surface, light-dark(#eee, #222)) 88%, transparent);
  font-size: 0.9375rem;
  line-height: 1.45;
  text-align: center;
}

p {
  margin: 0;
}

[part~="notice-title"] {
  font-weight: 600;
}

[part~="notice-detail"] {
  color: var(--coat-ink-soft, light-dark(#555, #bbb));
}

[part~="retry"] {
  min-block-size: 2rem;
  padding: 0.25rem 0.875rem;
  border: 1px solid var(--coat-line, light-dark(#ccc, #444));
  border-radius: 999px;
  background: var(--coat-raised, light-dark(#fff, #2c2c2c));
  color: inherit;
  font: inherit;
  font-size: 0.875rem;
  cursor: pointer;
}

@media (prefers-reduced-motion: reduce) {
  [part~="thumbnail"],
  [part~="image"],
  [data-phase="full"] > :is([part~="placeholder"], [part~="thumbnail"]) {
    transition: none;
  }
}
`;
