/** State is never told by colour alone. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;--ground:#fff;--ink:#16191f;--soft:#5b6472;--edge:#dfe3e8;--l0:#7a828e;--l1:#1f6fd1;--l2:#d2691e;--l3:#12733c}
@media (prefers-color-scheme:dark){:root{--ground:#0f1216;--ink:#e8ebef;--soft:#9aa4b2;--edge:#2b323b;--l0:#9aa4b2;--l1:#5aa2f2;--l2:#f0935a;--l3:#7fd6a0}}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1080px;margin:0 auto;padding:16px}
h1{font-size:22px}h2{font-size:19px;margin-top:28px;overflow-wrap:anywhere}h3{font-size:15px;margin:24px 0 8px}
.verdict{font-size:17px;font-weight:600}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:13.5px;min-width:60%}
th,td{padding:5px 14px 5px 0;border-bottom:1px solid var(--edge);text-align:left;vertical-align:top}
th{color:var(--soft);font-weight:550}.figure{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
figure{margin:18px 0}figcaption{font-weight:600;font-size:14px}
.chart{width:100%}.u-legend{text-align:left;font-size:13px}
`;

/** Draws the charts with uPlot: drag to zoom, double-click to see all again; colours follow light and dark. */
export const CHART_SCRIPT = `
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const drawn = [];
  const draw = () => {
    for (const plot of drawn.splice(0)) plot.destroy();
    for (const place of document.querySelectorAll("[data-chart]")) {
      const { names, data, steps } = charts[Number(place.dataset.chart)];
      const axis = { stroke: colour("--soft"), grid: { stroke: colour("--edge") }, ticks: { stroke: colour("--edge") } };
      const series = names.map((label, i) => ({
        label,
        stroke: colour("--l" + (i % 4)),
        width: 1.6,
        dash: i === 0 ? [6, 4] : undefined,
        paths: steps ? uPlot.paths.stepped({ align: 1 }) : undefined,
        value: (_plot, value) => (value == null ? "–" : Number(value.toPrecision(4)).toString()),
      }));
      const options = {
        width: place.clientWidth,
        height: 240,
        scales: { x: { time: false }, y: { range: (_plot, _least, most) => [0, most > 0 ? most * 1.05 : 1] } },
        axes: [{ ...axis, label: "hours" }, axis],
        series: [{ label: "hour", value: (_plot, value) => (value == null ? "–" : value.toFixed(2)) }, ...series],
      };
      drawn.push(new uPlot(options, data, place));
    }
  };
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("resize", draw);
})();
`;
