/** One of the images that lie on each other in the box. */
export function layer(part: string, alt: string): HTMLImageElement {
  const image = document.createElement("img");
  image.setAttribute("part", part);
  image.alt = alt;
  image.decoding = "async";
  return image;
}

/** What stands in the box when the picture could not be fetched. */
export function notice(
  title: string,
  detail: string | null,
  retry: { readonly label: string; readonly run: () => void } | null,
): HTMLElement {
  const element = document.createElement("div");
  element.setAttribute("part", "notice");
  element.setAttribute("role", "alert");
  element.append(paragraph("notice-title", title));
  if (detail !== null && detail !== "") {
    element.append(paragraph("notice-detail", detail));
  }
  if (retry !== null) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("part", "retry");
    button.textContent = retry.label;
    button.addEventListener("click", retry.run);
    element.append(button);
  }
  return element;
}

function paragraph(part: string, text: string): HTMLParagraphElement {
  const element = document.createElement("p");
  element.setAttribute("part", part);
  element.textContent = text;
  return element;
}
