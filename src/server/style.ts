/** For those who like it dark: by the system's setting or by their own choice. */
const DARK = `--ground:#0f1216;--card:#181c22;--ink:#e8ebef;--soft:#9aa4b2;--edge:#2b323b;--s0:#5aa2f2;--s1:#f0935a;--s2:#5cc98a;--s3:#c9a8f7;--s4:#e6c34f;--s5:#f08bb4;
--good:#7fd6a0;--good-bg:#143423;--bad:#f59b94;--bad-bg:#43201d;--warn:#eec06a;--warn-bg:#3b2d10;--plain-bg:#262d36;--sim:#c9a8f7;--sim-bg:#2f2148`;

/** The page's style sheet. Colours are named once for light and once for dark; state is never told by colour alone. */
export const STYLE = `
:root{color-scheme:light dark;--ground:#f6f7f9;--card:#fff;--ink:#16191f;--soft:#5b6472;--edge:#dfe3e8;--s0:#1f6fd1;--s1:#c2560c;--s2:#1d8348;--s3:#7a3fc2;--s4:#8a6d00;--s5:#c2327a;
--good:#12733c;--good-bg:#e2f4e8;--bad:#b3261e;--bad-bg:#fbe6e4;--warn:#8a5a00;--warn-bg:#fdf0d5;--plain-bg:#e9edf2;--sim:#6b35b5;--sim-bg:#efe6fb}
@media (prefers-color-scheme:dark){:root:not([data-theme="light"]){color-scheme:dark;${DARK}}}
:root[data-theme="dark"]{color-scheme:dark;${DARK}}
:root[data-theme="light"]{color-scheme:light}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
a{color:var(--s0);text-decoration:none}a:hover{text-decoration:underline}
header,main,footer{max-width:1180px;margin:0 auto;padding:0 16px}
header{display:flex;flex-wrap:wrap;align-items:center;gap:6px 14px;padding-top:18px;padding-bottom:14px}
header .name{font-size:20px;font-weight:650;letter-spacing:-.01em;color:var(--ink)}
header nav{margin-left:auto;display:flex;gap:16px}
.soft,footer{color:var(--soft)}
footer{padding-top:4px;padding-bottom:28px;font-size:13px}
h1{font-size:20px;margin:8px 0 14px;overflow-wrap:anywhere}h2{font-size:17px;margin:0;overflow-wrap:anywhere}h3{font-size:14px;margin:22px 0 8px}
.card{background:var(--card);border:1px solid var(--edge);border-radius:10px;padding:16px;margin-bottom:16px}
.top{display:flex;flex-wrap:wrap;align-items:center;gap:6px 8px}.top>:last-child{margin-left:auto}
ul{margin:8px 0 0;padding-left:20px}
.badge{display:inline-block;padding:1px 9px;border-radius:99px;font-size:12.5px;font-weight:550;background:var(--plain-bg);white-space:nowrap}
.good{color:var(--good);background:var(--good-bg)}.bad{color:var(--bad);background:var(--bad-bg)}.warn{color:var(--warn);background:var(--warn-bg)}
.sim{color:var(--sim);background:var(--sim-bg)}
.message{margin:10px 0 0;overflow-wrap:anywhere;white-space:pre-line}
.alert{border-radius:8px;padding:10px 14px;overflow-wrap:anywhere}
main>.alert{margin:0 0 16px}
.alert ul{margin:4px 0 0;padding-left:18px}
.kpis{display:grid;grid-template-columns:repeat(4,1fr);gap:1px;margin:14px 0 0;background:var(--edge);border:1px solid var(--edge);border-radius:8px;overflow:hidden}
.kpis div{background:var(--card);padding:8px 12px}
.kpis dt{font-size:12.5px;color:var(--soft)}.kpis dd{margin:0;font-size:17px;font-weight:600;font-variant-numeric:tabular-nums}
.kpis small{display:block;font-size:12px;font-weight:400;color:var(--soft)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(280px,1fr));gap:14px 18px;margin-top:14px}
figure{margin:0;min-width:0}figcaption{display:flex;flex-wrap:wrap;gap:2px 12px;font-size:13px;font-weight:550}
.key{font-weight:400;color:var(--soft)}.key::before{content:"";display:inline-block;width:14px;height:3px;border-radius:2px;vertical-align:middle;margin-right:5px;background:currentColor}
.key.s0::before{background:var(--s0)}.key.s1::before{background:var(--s1)}
svg{display:block;width:100%;height:auto;margin-top:4px}svg text{font-size:10.5px;fill:var(--soft)}
.grid{stroke:var(--edge);stroke-width:1}.line{fill:none;stroke-width:1.6;stroke-linejoin:round;stroke-linecap:round}.line.s0{stroke:var(--s0)}.line.s1{stroke:var(--s1)}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th,td{text-align:left;vertical-align:top;padding:5px 12px 5px 0;border-bottom:1px solid var(--edge)}
th{font-weight:550;color:var(--soft);white-space:nowrap}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
code,pre{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
td code{overflow-wrap:break-word}td{min-width:64px}
td:last-child{overflow-wrap:anywhere}
pre{margin:0;padding:12px;overflow-x:auto;background:var(--ground);border-radius:8px}
button{font:inherit;font-size:13px;color:var(--ink);background:var(--card);border:1px solid var(--edge);border-radius:7px;padding:3px 11px;min-height:30px;cursor:pointer}
:focus-visible{outline:2px solid var(--s0);outline-offset:2px}
.tree,.tree ul{list-style:none;margin:4px 0 0;padding-left:16px}.tree{padding-left:0}.tree li{padding:1px 0;overflow-wrap:anywhere}
.tree details+details{margin-top:0}.tree summary{font-weight:400}
summary{cursor:pointer;font-weight:550;padding:2px 0}details+details{margin-top:8px}
.stale{display:none}body[data-stale] .stale{display:block}
progress{width:100%;height:8px;margin-top:12px;accent-color:var(--s0)}
@media (max-width:760px){.kpis{grid-template-columns:repeat(2,1fr)}}
@media (max-width:520px){.stack tr{display:block;padding:7px 0;border-bottom:1px solid var(--edge)}.stack tr:first-child{display:none}.stack td{display:block;border:0;padding:0;overflow-wrap:anywhere}
body{font-size:14.5px}.card{padding:13px}header nav{margin-left:0;width:100%}}
`;
