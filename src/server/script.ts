/**
 * Brings the page up to date every few seconds by exchanging what is inside <main>, and only if it changed: no flicker,
 * scroll, opened sections and keyboard focus stay. Without it the page reloads by itself (noscript).
 */
export const SCRIPT = `
(() => {
  const main = document.querySelector("main");
  let shown = main.innerHTML;
  const refresh = async () => {
    const selection = getSelection();
    if (document.hidden || (selection && !selection.isCollapsed)) return;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      delete document.body.dataset.stale;
      if (!next || next.innerHTML === shown) return;
      shown = next.innerHTML;
      const open = [...main.querySelectorAll("details[open]")].map((each) => each.id);
      const focused = main.contains(document.activeElement) ? document.activeElement.id : "";
      for (const id of open) next.querySelector("#" + CSS.escape(id))?.setAttribute("open", "");
      main.replaceChildren(...next.childNodes);
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    } catch {
      document.body.dataset.stale = "";
    }
  };
  setInterval(refresh, 3000);
})();
`;
