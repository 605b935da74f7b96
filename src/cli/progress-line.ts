import { formatBytes, type Output } from "./output.ts";

const everyMs = 3000;

/** Tells the person who waits how far something is, now and then; of what is soon through nothing is said. */
export function progressLine(output: Output): (what: string, doneBytes: number, bytes?: number) => void {
  let toldAt = Date.now();
  return (what, doneBytes, bytes) => {
    const now = Date.now();
    if (now - toldAt < everyMs) return;
    toldAt = now;
    if (bytes === undefined) return output.note(`${what}: ${formatBytes(doneBytes)}`);
    const percent = bytes === 0 ? 100 : Math.floor((100 * doneBytes) / bytes);
    output.note(`${what}: ${formatBytes(doneBytes)} of ${formatBytes(bytes)} (${Math.min(percent, 100)} %)`);
  };
}
