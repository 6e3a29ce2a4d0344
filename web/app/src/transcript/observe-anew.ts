/**
 * Lets an observer report in the frame that comes, whether or not the element's size has changed by then:
 * after its layout, where to measure costs nothing.
 *
 * @returns whether it will.
 */
export function observeAnew(observer: ResizeObserver | null, element: Element | null): boolean {
  if (observer === null || element === null) {
    return false;
  }
  observer.unobserve(element);
  observer.observe(element);
  return true;
}
