/** As one word for a POSIX shell (IEEE 1003.1, section 2.2.2), quoted always. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
