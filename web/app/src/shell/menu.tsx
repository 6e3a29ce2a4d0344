import {
  type KeyboardEvent,
  type ReactNode,
  type ToggleEvent,
  useEffect,
  useId,
  useRef,
} from "react";

interface MenuProps {
  /** What the button is called. */
  readonly label: string;
  readonly icon: ReactNode;
  /** `MenuItem`s and `MenuLink`s. */
  readonly children: ReactNode;
}

/**
 * A button that opens a menu. The popover brings what that needs: it lies above everything, closes with
 * Esc and with a click elsewhere, and gives the focus back.
 */
export function Menu({ label, icon, children }: MenuProps) {
  const id = useId();
  const buttonRef = useRef<HTMLButtonElement>(null);
  const menuRef = useRef<HTMLDivElement>(null);

  const items = () => [
    ...(menuRef.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? []),
  ];
  const onToggle = ({ newState }: ToggleEvent<HTMLDivElement>) => {
    const button = buttonRef.current;
    const menu = menuRef.current;
    if (newState === "open" && button !== null && menu !== null) {
      place(menu, button);
      items()[0]?.focus();
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const all = items();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const step = STEPS[event.key];
    if (step !== undefined) {
      event.preventDefault();
      all.at(step(at, all.length))?.focus();
    } else if (event.key === "Tab") {
      menuRef.current?.hidePopover();
    }
  };
  // What it belongs to scrolls away under it.
  useEffect(() => {
    const close = () => menuRef.current?.hidePopover();
    addEventListener("resize", close);
    return () => removeEventListener("resize", close);
  }, []);

  return (
    <>
      <button
        ref={buttonRef}
        type="button"
        className="icon-button icon-button-small menu-button"
        aria-label={label}
        aria-haspopup="menu"
        popoverTarget={id}
      >
        {icon}
      </button>
      <div
        ref={menuRef}
        id={id}
        className="menu"
        role="menu"
        tabIndex={-1}
        aria-label={label}
        popover="auto"
        onToggle={onToggle}
        onKeyDown={onKeyDown}
        // A choice has been made.
        onClick={() => menuRef.current?.hidePopover()}
      >
        {children}
      </div>
    </>
  );
}

const STEPS: Readonly<Record<string, (at: number, count: number) => number>> = {
  // biome-ignore-start lint/style/useNamingConvention: the names of keys
  ArrowDown: (at, count) => (at + 1) % count,
  ArrowUp: (at, count) => (at - 1 + count) % count,
  Home: () => 0,
  End: () => -1,
  // biome-ignore-end lint/style/useNamingConvention: the names of keys
};

interface MenuItemProps {
  readonly icon: ReactNode;
  readonly children: ReactNode;
  readonly tone?: "plain" | "danger";
  readonly onChoose: () => void;
}

/** Something to do. */
export function MenuItem({ icon, children, tone = "plain", onChoose }: MenuItemProps) {
  return (
    <button
      type="button"
      className="menu-item"
      role="menuitem"
      tabIndex={-1}
      data-tone={tone}
      onClick={onChoose}
    >
      {icon}
      {children}
    </button>
  );
}

interface MenuLinkProps {
  readonly icon: ReactNode;
  readonly children: ReactNode;
  readonly href: string;
}

/** Something to save. */
export function MenuLink({ icon, children, href }: MenuLinkProps) {
  return (
    <a className="menu-item" role="menuitem" tabIndex={-1} href={href} download={true}>
      {icon}
      {children}
    </a>
  );
}

/** Under the button, or above it where there is no room; never past the edges of the window. */
function place(menu: HTMLElement, button: HTMLElement): void {
  const { left, right, top, bottom } = button.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = menu;
  const fitsRight = left + offsetWidth + EDGE <= innerWidth;
  const fitsBelow = bottom + offsetHeight + EDGE <= innerHeight;
  menu.style.insetInlineStart = `${Math.max(EDGE, fitsRight ? left : right - offsetWidth)}px`;
  menu.style.insetBlockStart = `${Math.max(EDGE, fitsBelow ? bottom : top - offsetHeight)}px`;
}

/** Pixels between the menu and the edge of the window. */
const EDGE = 8;
