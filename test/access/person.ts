import { passwordOf, type World } from "./world.ts";

/** What somebody sends beside the path. */
interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Somebody of the words, or nobody, who sends requests with their password. */
export type Send = (method: string, path: string, sent?: Sent) => Promise<Response>;

export function sender(world: World, name?: string): Send {
  const credentials = name === undefined ? {} : { authorization: `Basic ${btoa(`${name}:${passwordOf(name)}`)}` };
  return (method, path, { headers = {}, body } = {}) => {
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const init = { method, headers: { host: "registry.test", ...credentials, ...length, ...headers } };
    const request = new Request(`http://registry.test${path}`, body === undefined ? init : { ...init, body });
    return world.handle(request, { address: "192.0.2.1" });
  };
}

/** The status, and the code of a refusal. */
export async function told(answer: Promise<Response>): Promise<string> {
  const { status, text } = await answer.then(async (each) => ({ status: each.status, text: await each.text() }));
  const code = status < 400 || text === "" ? "" : (JSON.parse(text) as { errors: { code: string }[] }).errors[0]?.code;
  return `${status} ${code}`.trim();
}
