import { escapeHtml, type Part } from "../../enrolment/page.ts";

/** Under which name a form brings the token that only a page of this registry can have written into it. */
export const formTokenField = "token";

/** A form of a page. `hidden` are fields that nobody sees. */
export interface FormContent {
  readonly action: string;
  readonly token: string;
  readonly hidden?: Readonly<Record<string, string>>;
  readonly fields?: readonly Part[];
  readonly button: string;
}

/** In plain text it only says what a browser is for. */
export function form({ action, token, hidden = {}, fields = [], button }: FormContent): Part {
  const inputs = Object.entries({ [formTokenField]: token, ...hidden }).map(
    ([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`,
  );
  const content = [...inputs, ...fields.map(({ html }) => html), `<button>${escapeHtml(button)}</button>`];
  return {
    html: `<form method="post" action="${action}">\n${content.join("\n")}\n</form>`,
    text: `(${button}: in a browser)`,
  };
}

interface TextField {
  readonly name: string;
  readonly label: string;
  readonly type?: "text" | "password";
  readonly value?: string;
  readonly autocomplete: "username" | "current-password" | "off";
}

/** A line to write in. */
export function textField({ name, label, type = "text", value = "", autocomplete }: TextField): Part {
  const attributes = `name="${name}" type="${type}" value="${escapeHtml(value)}" autocomplete="${autocomplete}"`;
  const input = `<input ${attributes} autocapitalize="none" spellcheck="false">`;
  return { html: `<label>${escapeHtml(label)} ${input}</label>`, text: "" };
}

/** Any number of words out of some. */
export function checkboxes(name: string, label: string, words: readonly string[], chosen: readonly string[]): Part {
  const boxes = words.map((word) => {
    const isChecked = chosen.includes(word) ? " checked" : "";
    return `<label><input type="checkbox" name="${name}" value="${word}"${isChecked}> ${word}</label>`;
  });
  return { html: `<fieldset><legend>${escapeHtml(label)}</legend>${boxes.join("\n")}</fieldset>`, text: "" };
}

/** One of some values, each with its words. */
export function choice(name: string, label: string, values: Readonly<Record<string, string>>, chosen: string): Part {
  const options = Object.entries(values).map(
    ([value, words]) => `<option value="${value}"${value === chosen ? " selected" : ""}>${escapeHtml(words)}</option>`,
  );
  return { html: `<label>${escapeHtml(label)} <select name="${name}">${options.join("")}</select></label>`, text: "" };
}

/** Rows of cells; a cell is text, or a part of its own. */
export function table(head: readonly string[], rows: readonly (readonly (string | Part)[])[]): Part {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === "string" ? textCell(cell) : cell)));
  const header = head.map((word) => `<th>${escapeHtml(word)}</th>`).join("");
  const body = cells.map((row) => `<tr>${row.map(({ html }) => `<td>${html}</td>`).join("")}</tr>`).join("\n");
  return {
    html: `<table><thead><tr>${header}</tr></thead><tbody>${body}</tbody></table>`,
    text: cells.map((row) => row.map(({ text }) => text).join("  ")).join("\n"),
  };
}

function textCell(text: string): Part {
  return { html: escapeHtml(text), text };
}
