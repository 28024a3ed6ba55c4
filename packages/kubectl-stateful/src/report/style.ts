/** The look of the page: light or dark as the reader's system is, on any width, and on paper. */

/** Colours by their use. Text has a contrast of at least 4.5:1 on what is behind it, which a test computes. */
export const schemes = {
  light: {
    page: "#ffffff",
    panel: "#f5f7fa",
    inset: "#ffffff",
    line: "#cfd6df",
    edge: "#7a8696",
    text: "#17202b",
    soft: "#515d6c",
    link: "#0b57a4",
    good: "#136230",
    goodBack: "#e3f4e8",
    doubt: "#724b00",
    doubtBack: "#fff1cc",
    bad: "#a11717",
    badBack: "#fde8e8",
    freeze: "#2f5fb3"
  },
  dark: {
    page: "#10151b",
    panel: "#19202a",
    inset: "#10151b",
    line: "#323c4a",
    edge: "#8390a1",
    text: "#e6eaf0",
    soft: "#a7b2c0",
    link: "#8fc1ff",
    good: "#86dba0",
    goodBack: "#12301d",
    doubt: "#f5cc6f",
    doubtBack: "#362b0d",
    bad: "#ffa49e",
    badBack: "#421b1b",
    freeze: "#8fb4ff"
  }
} as const

const variables = (scheme: Readonly<Record<string, string>>): string =>
  Object.entries(scheme)
    .map(([name, value]) => `--${name}:${value}`)
    .join(";")

const mono = 'ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace'

export const css = `
:root{color-scheme:light dark;${variables(schemes.light)}}
@media (prefers-color-scheme:dark){:root{${variables(schemes.dark)}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
header,nav,main,footer{max-width:1120px;margin:0 auto;padding:0 24px}
header{padding-top:28px}
h1,h2,h3,h4{line-height:1.25;overflow-wrap:anywhere}
h1{font-size:2rem;margin:0}
h2{font-size:1.35rem;margin:2.6rem 0 .9rem;padding-bottom:.35rem;border-bottom:1px solid var(--line)}
h3{font-size:1.05rem;margin:1.8rem 0 .6rem}
p{margin:.4rem 0}
p,li,td,th,dd,dt,figcaption,summary,code{unicode-bidi:isolate}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
code,td.id,th.id{font-family:${mono};font-size:.92em;overflow-wrap:anywhere}
code{background:var(--panel);border-radius:3px;padding:.08em .3em}
.command{display:block;margin:.35rem 0;padding:.5rem .7rem;border:1px solid var(--line);background:var(--inset);white-space:pre-wrap;user-select:all;-webkit-user-select:all}
.skip{position:absolute;left:-9999px}
.skip:focus{left:24px;top:8px;background:var(--page);padding:.3rem .6rem}
.soft{color:var(--soft)}
.kind{color:var(--soft);margin:0}
.facts{display:flex;flex-wrap:wrap;gap:.25rem 1.4rem;list-style:none;padding:0;margin:.7rem 0 0;color:var(--soft)}
.facts b{color:var(--text)}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;list-style:none;padding:0;margin:1rem 0 0}
.grade{display:inline-block;padding:.1em .6em;border-radius:1em;font-size:.9rem;font-weight:600;white-space:nowrap;border:1px solid currentColor}
.good{color:var(--good)}.doubt{color:var(--doubt)}.bad{color:var(--bad)}
.grade.good{background:var(--goodBack)}.grade.doubt{background:var(--doubtBack)}.grade.bad{background:var(--badBack)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(240px,1fr));gap:14px;list-style:none;padding:0;margin:0}
.cards li{display:flex;flex-direction:column;gap:.5rem;background:var(--panel);border:1px solid var(--line);border-top:4px solid var(--edge);border-radius:8px;padding:14px 16px}
.cards li.good{border-top-color:var(--good)}.cards li.doubt{border-top-color:var(--doubt)}.cards li.bad{border-top-color:var(--bad)}
.cards li,.findings li{color:var(--text)}
.cards p{margin:0;overflow-wrap:anywhere}
.cards a{font-weight:600}
.cards ul{list-style:none;padding:0;margin:0;font-size:.88rem}
.cards ul li{display:block;background:none;border:0;padding:0}
.alert{border-left:4px solid var(--doubt);background:var(--doubtBack);padding:.55rem .9rem;margin:1rem 0 0;border-radius:0 6px 6px 0;overflow-wrap:anywhere}
.findings{list-style:none;padding:0;margin:.5rem 0}
.findings li{border-left:4px solid var(--edge);padding:.25rem 0 .25rem .85rem;margin:.8rem 0}
.findings li.good{border-left-color:var(--good)}.findings li.doubt{border-left-color:var(--doubt)}.findings li.bad{border-left-color:var(--bad)}
.findings p{margin:.15rem 0;overflow-wrap:anywhere}
.todo{font-weight:600}
.rule{font-size:.85rem;color:var(--soft)}
details{margin:.7rem 0}
summary{cursor:pointer;color:var(--link);padding:.15rem 0}
.scroll{overflow-x:auto;margin:.8rem 0;border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;width:100%;font-size:.92rem}
caption{text-align:left;padding:.6rem .8rem;color:var(--soft);font-size:.9rem}
caption span{display:inline-block;position:sticky;left:.8rem;max-width:calc(100vw - 60px)}
th,td{text-align:left;vertical-align:top;padding:.45rem .8rem;border-top:1px solid var(--line)}
thead th{background:var(--panel);font-weight:600;white-space:nowrap;vertical-align:bottom}
tbody th{font-weight:600}
tbody th,td.tight{white-space:nowrap}
td.wide{min-width:16rem;overflow-wrap:anywhere}
td.id{min-width:8.5rem}
td.bar{min-width:11rem;width:30%}
td .note,th .note{display:block;color:var(--soft);min-width:10rem;white-space:normal;font-weight:400;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1.2rem;margin:.8rem 0}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere;min-width:0}
svg{display:block;max-width:100%}
td svg{overflow:visible}
svg text{font-family:${mono};font-size:12px;fill:var(--text)}
svg .small{font-size:11px}
svg .soft{fill:var(--soft)}svg .bad{fill:var(--bad)}svg .good{fill:var(--good)}svg .doubt{fill:var(--doubt)}
svg .strong{font-weight:700}
.map{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr));gap:14px;align-items:start}
.map figure{margin:0;background:var(--panel);border:1px solid var(--line);border-radius:10px;padding:12px}
.map figcaption{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 .8rem;margin-bottom:.5rem}
.map svg{width:100%;height:auto}
.rack{fill:none;stroke:var(--edge);stroke-dasharray:4 3}
.node{fill:var(--inset);stroke:var(--edge)}
.node.lost{stroke:var(--bad);stroke-width:2}
.volume{fill:none;stroke:var(--soft);stroke-width:1.3}
.mark{stroke:currentColor;fill:none;stroke-width:2}
g.good{color:var(--good)}g.doubt{color:var(--doubt)}g.bad{color:var(--bad)}g.soft{color:var(--soft)}
.timeline{background:var(--panel);border:1px solid var(--line);border-radius:10px;padding:12px 16px;margin:0}
.lane{stroke:var(--line);stroke-width:1}
.tick{stroke:var(--line);stroke-dasharray:2 3}
.dot{fill:var(--good);stroke:var(--panel);stroke-width:1.5}
.dot.hollow{fill:var(--panel);stroke:var(--bad);stroke-width:2}
.dot.unsure{fill:var(--panel);stroke:var(--doubt);stroke-width:2;stroke-dasharray:2 1.5}
.run{fill:var(--edge)}.run.open{fill:var(--doubt)}.run.bad{fill:var(--bad)}.run.good{fill:var(--good)}
.frozen,.run.frozen{fill:var(--freeze)}
.track{fill:none;stroke:var(--line)}
.cut{stroke:var(--freeze);stroke-width:2}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.3rem;list-style:none;padding:0;margin:.7rem 0 0;color:var(--soft);font-size:.88rem}
.legend svg{display:inline-block;vertical-align:-2px;margin-right:.4em}
footer{margin-top:3rem;padding-top:1rem;padding-bottom:2.5rem;color:var(--soft);font-size:.88rem}
footer div{border-top:1px solid var(--line);padding-top:1rem}
@media (max-width:600px){
header,nav,main,footer{padding-left:16px;padding-right:16px}
h1{font-size:1.6rem}
dl{grid-template-columns:1fr;gap:.1rem}
dd{margin-bottom:.6rem}
th,td{padding:.4rem .6rem}
td.wide{min-width:11rem}
.skip:focus{left:16px}
}
@media print{
:root{color-scheme:light;${variables(schemes.light)}}
@page{margin:14mm}
body{font-size:10.5pt}
header,nav,main,footer{max-width:none;padding:0}
nav,.skip{display:none}
.scroll{overflow:visible;border-color:var(--line)}
table{font-size:8.5pt}
th,td{padding:.25rem .4rem}
tbody th,tbody th.id,thead th{white-space:normal;overflow-wrap:break-word}
caption span{max-width:none}
.map{grid-template-columns:repeat(3,1fr);gap:8px}
.map figure{padding:6px}
.cards{grid-template-columns:repeat(4,1fr);gap:8px}
.cards li{padding:8px 10px;font-size:9pt}
td.wide,td.id,td .note,th .note{min-width:0}
td.bar{min-width:5rem}
details>summary{list-style:none;color:var(--soft)}
details::details-content{content-visibility:visible;display:block;height:auto}
thead{display:table-header-group}
tr,figure,.cards li,.findings li,.command{break-inside:avoid}
h2,h3,h4,caption{break-after:avoid}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`
