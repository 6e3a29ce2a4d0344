/** `HTMLElement`, or an empty class where there is no document: a server can import what extends it. */
export const BaseElement: typeof HTMLElement =
  typeof HTMLElement === "undefined" ? (class {} as typeof HTMLElement) : HTMLElement;
