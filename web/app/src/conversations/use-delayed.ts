import { useEffect, useState } from "react";

/** A value as it is once it has rested for a while; an empty text counts at once. */
export function useDelayed(value: string, milliseconds: number): string {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), value === "" ? 0 : milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return value === "" ? "" : rested;
}
