/** What going back in a conversation replaces, in words; nothing where nothing follows. */
export function replacedBy(following: number): string {
  switch (following) {
    case 0:
      return "";
    case 1:
      return "The message after it will be replaced.";
    default:
      return `The ${following} messages after it will be replaced.`;
  }
}
