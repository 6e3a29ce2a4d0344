import { type ChangeEvent, useRef } from "react";
import { PictureIcon } from "../shell/icons.tsx";

/** Opens the system's own dialogue for choosing files. */
export function AttachButton({ onFiles }: { readonly onFiles: (files: Iterable<File>) => void }) {
  const inputRef = useRef<HTMLInputElement>(null);
  const onChange = ({ currentTarget }: ChangeEvent<HTMLInputElement>) => {
    onFiles(currentTarget.files ?? []);
    // Or choosing the same file again would be no change.
    currentTarget.value = "";
  };
  return (
    <>
      <button
        type="button"
        className="icon-button composer-attach"
        aria-label="Attach pictures"
        title="Attach pictures"
        onClick={() => inputRef.current?.click()}
      >
        <PictureIcon />
      </button>
      <input
        ref={inputRef}
        type="file"
        accept="image/*"
        multiple={true}
        hidden={true}
        tabIndex={-1}
        aria-hidden="true"
        data-testid="file-input"
        onChange={onChange}
      />
    </>
  );
}
