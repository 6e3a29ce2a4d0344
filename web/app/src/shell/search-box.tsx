import { type ChangeEvent, type KeyboardEvent, useRef } from "react";
import { CloseIcon, SearchIcon } from "./icons.tsx";

interface SearchBoxProps {
  readonly query: string;
  readonly onChange: (query: string) => void;
}

/** Looks through the conversations; Esc empties it, and the arrow down leads to what was found. */
export function SearchBox({ query, onChange }: SearchBoxProps) {
  const inputRef = useRef<HTMLInputElement>(null);
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === "Escape" && query !== "") {
      // Not also the drawer around it.
      event.preventDefault();
      event.stopPropagation();
      onChange("");
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      event.currentTarget
        .closest(".sidebar")
        ?.querySelector<HTMLElement>("a.conversation")
        ?.focus();
    }
  };
  return (
    <search className="search-box">
      <SearchIcon />
      <input
        ref={inputRef}
        type="text"
        inputMode="search"
        enterKeyHint="search"
        maxLength={200}
        autoComplete="off"
        placeholder="Search"
        aria-label="Search conversations"
        data-testid="search-input"
        value={query}
        onChange={(event: ChangeEvent<HTMLInputElement>) => onChange(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {query !== "" && (
        <button
          type="button"
          className="icon-button icon-button-small"
          aria-label="Clear the search"
          onClick={() => {
            onChange("");
            inputRef.current?.focus();
          }}
        >
          <CloseIcon />
        </button>
      )}
    </search>
  );
}
