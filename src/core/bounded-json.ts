/**
 * JSON from strangers. Before `JSON.parse` sees it, one pass without recursion refuses what parsers disagree about:
 * the client that pulls must read the same document as the registry that judged it.
 */

/** Why a document was refused, in words for the person who sent it. */
export class JsonRefusal extends Error {}

export interface JsonBounds {
  readonly maxDepth: number;
  readonly maxKeys: number;
  /** Strings, commas and opening brackets together: what makes a parser work, however few bytes it takes. */
  readonly maxTokens: number;
  /** Keys that may stand only once in an object. */
  readonly uniqueKeys: readonly string[];
  /** Keys whose value, where it is a number, has to be written in plain digits. */
  readonly integerKeys: readonly string[];
}

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const colon = 0x3a;
const comma = 0x2c;

/** Throws `JsonRefusal`; takes time in proportion to the length, whatever the bytes are. */
export function parseBoundedJson(bytes: Uint8Array, bounds: JsonBounds): unknown {
  const text = decodeUtf8(bytes);
  scan(text, bounds);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new JsonRefusal("it is not JSON (RFC 8259)");
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    // `ignoreBOM` keeps a byte order mark in the text, where the parser refuses it (RFC 8259 section 8.1).
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new JsonRefusal("it is not UTF-8");
  }
}

/**
 * What this pass cannot make sense of, it passes over: `JSON.parse` refuses it afterwards. `seen` has for each open
 * bracket the unique keys met in it, as bits.
 */
function scan(text: string, bounds: JsonBounds): void {
  const seen: number[] = [];
  let keys = 0;
  let tokens = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (isCounted(char) && ++tokens > bounds.maxTokens) throw new JsonRefusal("it has too many parts");
    if (char === openBrace || char === openBracket) {
      seen.push(0);
      if (seen.length > bounds.maxDepth) throw new JsonRefusal(`it is nested more than ${bounds.maxDepth} deep`);
    } else if (char === closeBrace || char === closeBracket) seen.pop();
    else if (char === quote) {
      const end = endOfString(text, at);
      const next = skipSpace(text, end);
      if (text.charCodeAt(next) === colon) {
        if (++keys > bounds.maxKeys) throw new JsonRefusal(`it has more than ${bounds.maxKeys} keys`);
        checkKey(textOf(text, at, end), text, next + 1, seen, bounds);
      } else textOf(text, at, end);
      at = end - 1;
    }
  }
}

function isCounted(char: number): boolean {
  return char === comma || char === quote || char === openBrace || char === openBracket;
}

function checkKey(key: string, text: string, valueAt: number, seen: number[], bounds: JsonBounds): void {
  const bit = 1 << bounds.uniqueKeys.indexOf(key);
  if (bounds.uniqueKeys.includes(key)) {
    const open = seen.length - 1;
    const before = seen[open] ?? 0;
    if ((before & bit) !== 0) throw new JsonRefusal(`"${key}" stands twice in one object`);
    seen[open] = before | bit;
  }
  if (bounds.integerKeys.includes(key)) checkInteger(key, text, skipSpace(text, valueAt));
}

/** `-0`, `1E+2` and `1.0` are the same as integers to one parser and errors to the next. */
function checkInteger(key: string, text: string, at: number): void {
  if (!/[-0-9]/.test(text.charAt(at))) return;
  if (!/^(?:0|[1-9][0-9]{0,15})(?![-+.0-9eE])/.test(text.slice(at, at + 17)))
    throw new JsonRefusal(`"${key}" has to be a whole number in plain digits`);
}

/** The index behind the closing quote. Each backslash is looked at once, so this is linear. */
function endOfString(text: string, start: number): number {
  for (let from = start + 1; ;) {
    const end = text.indexOf('"', from);
    if (end === -1) return text.length;
    let slashes = 0;
    while (end - slashes - 1 > start && text.charCodeAt(end - slashes - 1) === backslash) slashes++;
    if (slashes % 2 === 0) return end + 1;
    from = end + 1;
  }
}

/** A string's value where it can be told without a parser; refuses what no Unicode text contains. */
function textOf(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end - 1);
  if (!raw.includes("\\u")) return raw;
  const value = unescape(text.slice(start, end));
  if (!value.isWellFormed()) throw new JsonRefusal("a string has half of a surrogate pair");
  if (value.includes("\0")) throw new JsonRefusal("a string has a NUL");
  return value;
}

function unescape(literal: string): string {
  try {
    return String(JSON.parse(literal));
  } catch {
    throw new JsonRefusal("it is not JSON (RFC 8259)");
  }
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && " \t\n\r".includes(text.charAt(at))) at++;
  return at;
}
