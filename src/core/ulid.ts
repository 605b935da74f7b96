declare const brand: unique symbol;
/** 26 characters of Crockford's base 32: 48 bits of milliseconds, 80 random bits. Sorts by time; never used twice. */
export type Ulid = string & { readonly [brand]: "Ulid" };

const grammar = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Upper case only: an id in another case is another text, and so another, unknown, thing. */
export function isUlid(text: string): text is Ulid {
  return grammar.test(text);
}

const base32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** When an id was made, in milliseconds since 1970: its first ten characters. */
export function ulidTime(ulid: Ulid): number {
  let time = 0;
  for (const char of ulid.slice(0, 10)) time = time * 32 + base32.indexOf(char);
  return time;
}

/** Makes ids. A port, so that tests can foretell them. */
export interface UlidSource {
  next(): Ulid;
}
