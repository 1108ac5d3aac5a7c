const dark = matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement;

const isDark = (): boolean => (root.dataset.theme === undefined ? dark.matches : root.dataset.theme === "dark");

/** Shows the button that changes between light and dark; the choice is kept in this browser. @param changed colours are others now */
export const offerTheme = (changed: () => void): void => {
  const button = document.getElementById("theme");
  if (button === null) return;
  const show = (): void => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", isDark() ? "Change to light colours" : "Change to dark colours");
    changed();
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch {
      // A browser that keeps nothing: the choice holds for this page.
    }
    show();
  });
  dark.addEventListener("change", show);
  button.hidden = false;
  show();
};
