/** The report's style: light and dark, from phone to wide screen, and on paper. */
export const STYLE = `
:root { --ink: #1f2933; --muted: #5f6b76; --page: #f5f7f9; --card: #ffffff; --line: #d9dee3; --link: #005a9c;
  --good: #00694b; --bad: #a63a00; --even: #5f6b76; --mark: #fff3d6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaee; --muted: #a9b4be; --page: #14181c; --card: #1e2429;
  --line: #37414a; --link: #7cc4ff; --good: #4fd1a5; --bad: #ff9d66; --even: #a9b4be; --mark: #4a3c14; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
header, nav, main, footer { max-width: 1264px; margin: 0 auto; padding: 0 16px; }
header { padding-top: 32px; }
footer { padding-block: 24px; color: var(--muted); }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 0 0 8px; font-size: 1.25rem; }
h3 { margin: 24px 0 8px; font-size: 1.05rem; }
p { margin: 8px 0; overflow-wrap: anywhere; }
a { color: var(--link); }
small { color: var(--muted); }
nav ul { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 8px 0 16px; padding: 0; list-style: none; }
section, .split { margin: 0 0 20px; padding: 20px; background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; }
.verdict { border-left: 6px solid var(--tone); }
.helps { --tone: var(--good); } .hurts { --tone: var(--bad); } .same { --tone: var(--even); }
.badge { color: var(--tone); }
.sentence { font-size: 1.3rem; line-height: 1.35; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 200px), 1fr)); gap: 12px;
  margin: 16px 0 0; }
.facts div { display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.facts dt { color: var(--muted); font-size: .875rem; overflow-wrap: anywhere; }
.facts dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.warnings { background: var(--mark); }
.warnings ul { margin: 0; padding-left: 20px; }
.wide { margin: 16px 0; overflow-x: auto; }
.wide:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
figure svg { display: block; width: 100%; min-width: 860px; height: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9375rem; }
caption { padding: 0 0 6px; color: var(--muted); text-align: left; font-size: .875rem; }
th, td { padding: 6px 14px 6px 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { border-top: 0; vertical-align: bottom; }
thead small { display: block; font-weight: 400; }
td { white-space: nowrap; } td:last-child { white-space: normal; }
tbody th { font-weight: 500; max-width: 480px; overflow-wrap: break-word; }
td strong { padding: 2px 6px; margin-left: -6px; border-radius: 4px; background: var(--mark); }
meter { width: 140px; height: 12px; background: var(--line); border: 0; }
meter::-webkit-meter-bar { background: var(--line); border: 0; }
meter::-webkit-meter-optimum-value { background: #0072b2; }
meter::-moz-meter-bar { background: #0072b2; }
[id] { scroll-margin-top: 64px; }
summary { cursor: pointer; }
summary h2 { display: inline; } summary span { color: var(--muted); }
pre { margin: 8px 0; padding: 12px; overflow-x: auto; border: 1px solid var(--line); border-radius: 6px;
  background: var(--page); white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 600px) { section, .split { padding: 14px; border-radius: 0; margin-inline: -16px; }
  .sentence { font-size: 1.1rem; } }
@media print { body { background: none; } nav { display: none; } section, .split { border: 0; padding: 0; }
  figure { break-inside: avoid; } figure svg { min-width: 0; } }
`;
