// @vitest-environment happy-dom
import { cleanup, render, screen, waitFor } from "@testing-library/react";
import { boxSizes, type MediaReference } from "coatcheck";
import { defaultLabels, MediaLabelsContext, MediaPart } from "coatcheck/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { lighthouse, report } from "./samples.ts";

afterEach(cleanup);

const ratio = () => screen.getByTestId("media-unfinished").style.getPropertyValue("--coat-ratio");

describe("MediaPart", () => {
  it("holds the final place of a pending picture and says that it is being drawn", () => {
    render(<MediaPart data={{ state: "pending", width: 1600, height: 900, alt: "a lake" }} />);
    expect(screen.getByRole("status").textContent).toBe("Drawing…");
    expect(ratio()).toBe("1.77778");
  });

  it("keeps that place while previews come, which do not repeat the size", () => {
    const { rerender } = render(
      <MediaPart data={{ state: "pending", width: 1600, height: 900 }} />,
    );
    rerender(<MediaPart data={{ state: "preview", progress: 0.4, thumbnailUrl: "/p/1" }} />);
    expect(ratio()).toBe("1.77778");
    expect(screen.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("40");
    expect(document.querySelector('img[src="/p/1"]')).not.toBeNull();
  });

  it("is fetched as wide as the page shows it", () => {
    const limits = { inlineSize: "34rem", blockSize: "14rem" };
    const sizesOf = (shown: MediaReference) => boxSizes(shown, "lazy", limits);
    const wide = { ...lighthouse, variants: [512, 1024] };
    render(<MediaPart data={{ state: "ready", reference: wide }} sizes={sizesOf} />);
    expect(document.querySelector("img[srcset]")?.getAttribute("sizes")).toBe(
      "auto, min(100vw, 34rem, 1.7778 * 14rem)",
    );
  });

  it("shows a pushed preview under an address that lives as long as it is shown", async () => {
    const live = new Set<string>();
    let made = 0;
    vi.spyOn(URL, "createObjectURL").mockImplementation(() => {
      made += 1;
      live.add(`blob:${made}`);
      return `blob:${made}`;
    });
    vi.spyOn(URL, "revokeObjectURL").mockImplementation((url) => live.delete(url));
    const shown = () => screen.queryByTestId("media-preview")?.getAttribute("src");
    const preview = (blob: Blob) => <MediaPart data={{ state: "preview", progress: 0.4, blob }} />;

    const { rerender, unmount } = render(preview(new Blob(["one"])));
    await waitFor(() => expect(shown()).toBe("blob:1"));
    rerender(preview(new Blob(["two"])));
    await waitFor(() => expect(shown()).toBe("blob:2"));
    expect([...live]).toEqual(["blob:2"]);
    const thumbnail = new Blob(["three"]);
    rerender(<MediaPart data={{ state: "ready", reference: lighthouse, thumbnail }} />);
    await waitFor(() => expect(document.querySelector('img[src="blob:3"]')).not.toBeNull());
    // The thumbnail is not fetched beside that.
    expect(document.querySelector(`img[src="${lighthouse.thumbnailUrl}"]`)).toBeNull();
    expect([...live]).toEqual(["blob:3"]);
    unmount();
    expect(live.size).toBe(0);
  });

  it("stops pretending when the message is no longer being written", () => {
    render(<MediaPart data={{ state: "pending", width: 10, height: 10 }} active={false} />);
    expect(screen.getByRole("status").textContent).toBe(defaultLabels.stopped);
    expect(screen.getByTestId("media-unfinished").dataset["active"]).toBe("false");
  });

  it("shows a finished picture", () => {
    render(<MediaPart data={{ state: "ready", reference: lighthouse }} />);
    expect(screen.getByTestId("media-image")).toBeTruthy();
    expect(screen.getByRole("figure").textContent).toBe("");
  });

  it("shows other media as a file to download", () => {
    render(<MediaPart data={{ state: "ready", reference: report }} />);
    expect(screen.getByTestId("media-file").textContent).toContain("report.pdf");
    expect(screen.getByTestId("media-file").textContent).toContain("48.2 KB");
    const link = screen.getByRole("link", { name: "Download report.pdf" });
    expect(link.getAttribute("href")).toBe(`${report.url}?download=true`);
  });

  it("tells why there is no picture, with the code", () => {
    render(
      <MediaPart
        data={{ state: "failed", error: { code: "refused", message: "Not this one." } }}
      />,
    );
    expect(screen.getByRole("alert").textContent).toContain("Not this one.");
    expect(screen.getByRole("alert").textContent).toContain("refused");
  });

  it("shows what it cannot read as failed", () => {
    render(<MediaPart data={{ state: "ready", reference: { type: "nonsense" } }} />);
    expect(screen.getByRole("alert").textContent).toContain("media_unreadable");
  });

  it("speaks the page's language", () => {
    render(
      <MediaLabelsContext value={{ ...defaultLabels, drawing: "Wird gezeichnet …" }}>
        <MediaPart data={{ state: "pending", width: 1, height: 1 }} />
      </MediaLabelsContext>,
    );
    expect(screen.getByRole("status").textContent).toBe("Wird gezeichnet …");
  });
});
