const EVERY_MILLISECONDS = 3000;

/**
 * Brings the page up to date by exchanging what is inside <main>, and only if it changed: no flicker; scroll, opened
 * sections and keyboard focus stay. Without scripts the page reloads by itself (noscript). To be called before
 * anything in <main> is changed.
 * @param keep id of an element that is moved over as it is
 * @param exchanged is called after each exchange
 */
export const keepUpToDate = (keep: string, exchanged: () => void): void => {
  const main = document.querySelector("main");
  if (main === null) return;
  let shown = main.innerHTML;
  const refresh = async (): Promise<void> => {
    const selection = getSelection();
    if (document.hidden || (selection !== null && !selection.isCollapsed)) return;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      delete document.body.dataset.stale;
      if (next === null || next.innerHTML === shown) return;
      shown = next.innerHTML;
      exchange(main, next, keep);
    } catch {
      document.body.dataset.stale = "";
      return;
    }
    exchanged();
  };
  setInterval(() => void refresh(), EVERY_MILLISECONDS);
};

const exchange = (main: Element, next: Element, keep: string): void => {
  const folds = new Map([...main.querySelectorAll("details")].map((each) => [each.id, each.open]));
  const focused = main.contains(document.activeElement) ? document.activeElement?.id : undefined;
  for (const fold of next.querySelectorAll("details")) fold.open = folds.get(fold.id) ?? fold.open;
  const kept = document.getElementById(keep);
  if (kept !== null) next.querySelector(`#${CSS.escape(keep)}`)?.replaceWith(kept);
  main.replaceChildren(...next.childNodes);
  if (focused !== undefined && focused !== "") document.getElementById(focused)?.focus({ preventScroll: true });
};
