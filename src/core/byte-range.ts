import { RegistryError } from "./error.ts";

/** Bytes `start` up to and without `end`, counted from 0. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The `Range` of a request for something of `sizeBytes` (RFC 9110 section 14.2).
 * `undefined` means the whole of it: no header, another unit, several ranges (one may ignore them) or nonsense.
 * Throws `RANGE_INVALID` when the one range lies outside (416).
 */
export function parseRange(header: string | null, sizeBytes: number): ByteRange | undefined {
  const match = header === null ? null : /^bytes=(?:([0-9]+)-([0-9]*)|-([0-9]+))$/.exec(header.trim());
  if (match === null) return undefined;
  const [, first, last, suffix] = match;
  if (suffix !== undefined) {
    if (Number(suffix) === 0 || sizeBytes === 0) throw new RegistryError("RANGE_INVALID");
    return { start: Math.max(0, sizeBytes - Number(suffix)), end: sizeBytes };
  }
  const start = Number(first);
  const end = last === undefined || last === "" ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  if (start >= sizeBytes || end <= start) throw new RegistryError("RANGE_INVALID");
  return { start, end };
}

/**
 * The `Content-Range` of an upload's chunk: `<first>-<last>`, both inclusive, without a unit
 * (distribution specification, "Pushing a blob in chunks"); Docker's `bytes first-last/total` is read too.
 * Throws `BLOB_UPLOAD_INVALID` for anything else.
 */
export function parseContentRange(header: string): ByteRange {
  const match = /^(?:bytes[ =])?([0-9]{1,15})-([0-9]{1,15})(?:\/(?:[0-9]{1,15}|\*))?$/.exec(header.trim());
  if (match === null)
    throw new RegistryError("BLOB_UPLOAD_INVALID", "Content-Range has to be <first byte>-<last byte>");
  const start = Number(match[1]);
  const end = Number(match[2]) + 1;
  if (end <= start) throw new RegistryError("BLOB_UPLOAD_INVALID", "Content-Range ends before it begins");
  return { start, end };
}
