/** The authority cannot be used as it is; the message says what the operator can do. */
export class PkiError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "PkiError";
  }
}
