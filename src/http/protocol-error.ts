/**
 * A request that is wrong as HTTP, before it is about any registry: a header twice, an unreadable target.
 * Its message is meant for the client.
 */
export class ProtocolError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = "ProtocolError";
    this.status = status;
    this.headers = headers;
  }
}
