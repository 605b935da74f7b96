import { isIP } from "node:net";

/** A registry as a person writes it. */
export interface RegistryReference {
  /** What stands before the first slash of image names: HOST or HOST:PORT. */
  readonly registry: string;
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
}

const usualPort = 443;
const form = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?))(?::([0-9]{1,5}))?$/;

/** Reads HOST or HOST:PORT; answers a sentence that says what is wrong with the text where it is neither. */
export function parseRegistryReference(text: string): RegistryReference | string {
  if (/^https?:\/\//.test(text)) return `leave out ${text.slice(0, text.indexOf("/") + 2)}: image names have none`;
  if (text.includes("/")) return `leave out what begins with the slash: ${text.slice(text.indexOf("/"))}`;
  const [, bracketed, plain, digits] = form.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? usualPort : Number(digits);
  if (host === undefined || (bracketed !== undefined && isIP(bracketed) !== 6)) return "it is not HOST or HOST:PORT";
  if (port < 1 || port > 65_535) return "a port is a number from 1 to 65535";
  return { registry: text, host, port };
}

/** Whether clients take the two spellings for the same server. */
export function isSameServer(reference: RegistryReference, spelling: string): boolean {
  const other = parseRegistryReference(spelling);
  return typeof other !== "string" && other.host === reference.host && other.port === reference.port;
}
