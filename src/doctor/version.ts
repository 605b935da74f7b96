/** Whether a version (`28.2.2`, `5.15.0-91-generic`) is older than another. */
export function isOlder(version: string, than: string): boolean {
  const [left, right] = [partsOf(version), partsOf(than)];
  for (let index = 0; index < right.length; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function partsOf(version: string): readonly number[] {
  return (/^[0-9.]+/.exec(version)?.[0] ?? "").split(".").map(Number);
}
