import type { ComponentProps, CSSProperties, ReactNode } from "react";
import type { Dimensions } from "../core/media-state.ts";

interface MediaBoxProps extends Omit<ComponentProps<"div">, "style"> {
  /** The picture's own size, or null when only its shape or nothing is known. */
  readonly dimensions: Dimensions | null;
  /** Width by height, used when the dimensions are not known. */
  readonly aspectRatio?: number | undefined;
  readonly children?: ReactNode;
}

/**
 * The box that a picture will fill, with its final size from the first render on: nothing below it
 * moves when pixels arrive. Every state of a picture is drawn in this one box.
 */
export function MediaBox({ dimensions, aspectRatio, className, children, ...rest }: MediaBoxProps) {
  const ratio = dimensions === null ? aspectRatio : dimensions.width / dimensions.height;
  // React's type for styles does not know custom properties.
  const style = {
    "--coat-ratio": (ratio ?? 1).toFixed(5),
    "--coat-natural-width": dimensions === null ? undefined : `${dimensions.width}px`,
  } as CSSProperties;
  return (
    <div
      {...rest}
      className={className === undefined ? "coat-box" : `coat-box ${className}`}
      style={style}
    >
      {children}
    </div>
  );
}
