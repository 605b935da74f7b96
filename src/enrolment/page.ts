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
export const pageStyle = `:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;overflow-wrap:anywhere}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}
pre{font:.9rem/1.5 ui-monospace,monospace;white-space:pre-wrap;border:1px solid;border-radius:.3rem;padding:.6rem .8rem;user-select:all}
label,fieldset{display:block;margin:.8rem 0}fieldset label{display:inline;margin-right:1rem}
input,select,button{font:inherit;padding:.35rem .6rem}input:not([type=checkbox]),select{display:block;width:100%;box-sizing:border-box}
table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:left;padding:.3rem .6rem .3rem 0;vertical-align:top}
a:focus-visible,button:focus-visible,input:focus-visible,select:focus-visible{outline:.15rem solid;outline-offset:.15rem}`;

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
