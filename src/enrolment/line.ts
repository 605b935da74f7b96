import type { RegistryIdentity } from "./identity.ts";

/** The last line of the script. A download without it is not whole, and nothing of it runs. */
export const scriptEnd = "# the end of enroll.sh";

/**
 * One line for any shell that starts a POSIX `sh`: fetches the script to a file, and runs it only when it is whole and came from
 * the very server that the line was made for. What is written behind the line goes to the script: `--dry-run`, `--undo`, `--check`.
 *
 * The server is known by its key, which a renewal of its certificate leaves as it is. curl that cannot check a key says so in a
 * warning and goes on (those made with rustls), so it has to refuse a key that nobody has, with the exit code for just that,
 * before it is believed. Where clients trust the server's certificate without enrolment, curl checks that as always.
 */
export function enrolmentLine({ registry, caPem, keyPin }: RegistryIdentity): string {
  const isPinned = caPem !== undefined && keyPin !== undefined;
  const options = isPinned ? '-gfsSkm60 --pinnedpubkey "sha256//$1"' : "-gfsSm60";
  const fetch = `curl ${options} -o "$d/s" "https://${registry}/enroll.sh" 2>"$d/e"`;
  const steps = isPinned ? `f none; [ $? = 90 ] && f "${keyPin}"` : "f";
  const need = isPinned
    ? `Where curl says (90), ${registry} is not the server that this line was made for: it was set up anew (dozo enroll there prints the line of now), or somebody is in between. Otherwise curl has to check keys (--pinnedpubkey).`
    : "It needs curl.";
  const script = [
    "d=$(mktemp -d) || exit 1",
    'trap "rm -rf \\"\\$d\\"" 0',
    "trap exit 1 2 15",
    `f() { ${fetch}; }`,
    `${steps} && tail -n1 "$d/s" | grep -qx "${scriptEnd}" || { cat "$d/e" >&2; echo "Nothing was run. ${need}" >&2; exit 1; }`,
    'sh "$d/s" "$@"',
  ].join("; ");
  return `sh -c '${script}' enroll`;
}
