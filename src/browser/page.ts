import { ChartPanel } from "./chart-panel.ts";
import { keepUpToDate } from "./refresh.ts";
import { offerTheme } from "./theme.ts";

// Entry of the script that pages load. All that it adds can be had without it, too.

const panels = new Map<HTMLElement, ChartPanel>();

/** The charts of the page that stand there now; they stay over refreshes. */
const bringUp = (): void => {
  const place = document.getElementById("charts");
  if (place === null) return;
  const panel = panels.get(place) ?? new ChartPanel(place);
  panels.set(place, panel);
  void panel.load();
};

offerTheme(() => {
  for (const panel of panels.values()) panel.recolour();
});
keepUpToDate("charts", bringUp);
bringUp();
