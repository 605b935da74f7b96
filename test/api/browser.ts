import type { TestRegistry } from "./registry.ts";

/** How a request comes about; what a browser says of it. */
type Origin = "same-origin" | "cross-site" | "none";

interface Asked {
  readonly site?: Origin;
  readonly body?: URLSearchParams;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Keeps cookies and says where requests come from, as browsers do; follows nothing by itself. */
export class TestBrowser {
  readonly #registry: TestRegistry;
  readonly cookies = new Map<string, string>();

  constructor(registry: TestRegistry) {
    this.#registry = registry;
  }

  open(path: string, asked: Asked = {}): Promise<Response> {
    return this.ask("GET", path, asked);
  }

  async ask(method: string, path: string, { site = "same-origin", body, headers = {} }: Asked): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const sent = {
      accept: "text/html,application/xhtml+xml,*/*;q=0.8",
      "sec-fetch-site": site,
      "sec-fetch-mode": "navigate",
      ...(cookie === "" ? {} : { cookie }),
      ...(body === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
      ...headers,
    };
    const content = body === undefined ? {} : { body: body.toString() };
    const answer = await this.#registry.call(method, path, { as: "nobody", headers: sent, ...content });
    for (const line of answer.headers.getSetCookie()) this.#keep(line);
    return answer;
  }

  /** Fills in the page's form for this action, and sends it. */
  async submit(page: Response, action: string, values: Readonly<Record<string, string>> = {}): Promise<Response> {
    const fields = fieldsOf(await page.text(), action);
    for (const [name, value] of Object.entries(values)) fields.set(name, value);
    return this.ask("POST", action, { body: fields });
  }

  /** Logs in by the page; answers what the registry said to the form. */
  async logIn(user: string, password: string, query = ""): Promise<Response> {
    return this.submit(await this.open(`/login${query}`), "/login", { user, password });
  }

  #keep(line: string): void {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (line.includes("Max-Age=0")) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

/** What the hidden fields of a page's form say. */
export function fieldsOf(html: string, action: string): URLSearchParams {
  const [, form] = html.split(`<form method="post" action="${action}">`);
  if (form === undefined) throw new Error(`the page has no form for ${action}: ${html}`);
  const inputs = (form.split("</form>")[0] ?? "").matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g);
  return new URLSearchParams([...inputs].map(([, name = "", value = ""]) => [name, value]));
}
