export type PkiFileName =
  | "root.crt"
  | "ca.crt"
  | "ca.key"
  | "server.key"
  | "server.crt"
  | "names"
  | "next-root.crt"
  | "next-ca.crt"
  | "next-ca.key"
  | "rotation"
  | "rotation-clients"
  | "client-ca.crt"
  | "client-ca.key";

/** Where the authority's and the server's certificates and keys are kept; `process/pki-folder.ts` is the folder. */
export interface PkiFiles {
  /** The place, for messages that are for the operator. */
  readonly location: string;
  /** `undefined` where there is none. Throws for a private key that others on the machine could read. */
  read(name: PkiFileName): Promise<string | undefined>;
  /** Whole or not at all, and on the disk when it answers; readable by the owner only. */
  write(name: PkiFileName, text: string): Promise<void>;
  /** Gone from the disk when it answers; one that is not there is no error. */
  remove(name: PkiFileName): Promise<void>;
}
