/** A page in both forms: for browsers, and for programs that asked for no HTML. */
export interface Page {
  readonly html: string;
  readonly text: string;
}

/** One element after the other of a page: its HTML, and the same as plain text. */
export type Part = Page;

/** A sentence or several. */
export const paragraph = (text: string): Part => ({ html: `<p>${escapeHtml(text)}</p>`, text });
/** What the parts behind it are about. */
export const title = (text: string): Part => ({ html: `<h2>${escapeHtml(text)}</h2>`, text: `\n${text}\n` });
/** Something to be copied whole. */
export const command = (text: string): Part => ({
  html: `<pre><code>${escapeHtml(text)}</code></pre>`,
  text: `  ${text}`,
});

/** `to` is a path or an address of our own making. */
export function link(to: string, label: string, more: string): Part {
  const tail = more === "" ? "" : `, ${more}`;
  const html = `<p><a href="${escapeHtml(to)}">${escapeHtml(label)}</a>${escapeHtml(tail)}</p>`;
  return { html, text: `${label}${tail}: ${to}` };
}

/** The whole style of the pages, both colour schemes included. */
export const pageStyle = `:root{color-scheme:light dark;--accent:light-dark(#8c2f1b,#f0a08c);--on-accent:light-dark(#fff,#2a0f08);--line:light-dark(#d8d2ca,#4d4741);--soft:light-dark(#f7f4f0,#262320)}
body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:0 auto;padding:0 1rem 3rem;overflow-wrap:anywhere}
header{border-bottom:1px solid var(--line);padding:1rem 0}header a{color:inherit;font-weight:600;text-decoration:none}
h1{font-size:1.6rem;margin-top:2rem}h2{font-size:1.15rem;margin-top:2rem}a{color:var(--accent)}
pre{font:.9rem/1.5 ui-monospace,monospace;white-space:pre-wrap;background:var(--soft);border:1px solid var(--line);border-radius:.4rem;padding:.6rem .8rem;user-select:all}
label,fieldset{display:block;margin:.8rem 0}fieldset{border:1px solid var(--line);border-radius:.4rem}fieldset label{display:inline-block;margin:.2rem 1rem .2rem 0}
input,select,button{font:inherit;padding:.4rem .7rem;border:1px solid var(--line);border-radius:.4rem}input:not([type=checkbox]),select{display:block;width:100%;box-sizing:border-box}
button{cursor:pointer;white-space:nowrap;color:var(--on-accent);background:var(--accent);border-color:var(--accent)}td button,form[action="/logout"] button{color:inherit;background:none;border-color:var(--line)}form[action="/logout"]{margin-top:2.5rem}
th{white-space:nowrap}table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:left;padding:.4rem .6rem .4rem 0;vertical-align:top;border-bottom:1px solid var(--line)}
a:focus-visible,button:focus-visible,input:focus-visible,select:focus-visible{outline:.15rem solid var(--accent);outline-offset:.15rem}`;

/** Puts parts together; `goesOnTo` is the path to which a browser goes from there by itself. */
export function page(heading: string, parts: readonly Part[], goesOnTo?: string): Page {
  const body = parts.map(({ html }) => html).join("\n");
  const refresh = goesOnTo === undefined ? "" : `<meta http-equiv="refresh" content="0;url=${escapeHtml(goesOnTo)}">\n`;
  return {
    html: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
${refresh}<title>${escapeHtml(heading)}</title>
<style>${pageStyle}</style>
</head>
<body>
<header><a href="/">dozo</a></header>
<main>
<h1>${escapeHtml(heading)}</h1>
${body}
</main>
</body>
</html>
`,
    text: `${[heading, "", ...parts.map(({ text }) => text)].join("\n")}\n`,
  };
}

/** Text in HTML, between tags and in attributes that stand in quotation marks. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
