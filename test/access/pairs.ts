import type { Outcome } from "./matrix.ts";

/** Two answers to one asker that may differ in nothing, since what they differ in is nothing that the asker may know. */
export interface Pair {
  readonly one: Outcome;
  readonly other: Outcome;
  readonly reason: "refused" | "absent";
}

/** Repositories of which one is there and one is not; nearly every rule that is about one of them is about both. */
const namesakes: readonly (readonly [string, string])[] = [
  ["a/app", "a/non"],
  ["b/app", "b/non"],
  ["all/a", "all/n"],
  ["z/app", "z/non"],
];

/**
 * All pairs of a run: what was refused in a repository that is there and in one that is not, and what is absent from a
 * repository while another has it, or nobody.
 */
export function pairsOf(outcomes: readonly Outcome[]): readonly Pair[] {
  const refused = new Map<string, Outcome>();
  const absent = new Map<string, Outcome[]>();
  for (const outcome of outcomes) {
    const { asker, asked, isRefused, expected } = outcome;
    const key = `${asker.name} ${asked.method} ${asked.repository}`;
    if (isRefused)
      refused.set(`${key} ${asked.what} ${asked.headers === undefined ? "" : JSON.stringify(asked.headers)}`, outcome);
    else if (asked.twin !== undefined) {
      const twins = `${key} ${asked.twin} ${expected.status}`;
      absent.set(twins, [...(absent.get(twins) ?? []), outcome]);
    }
  }
  return [...refusedPairs(refused), ...[...absent.values()].flatMap(neighbours)];
}

function refusedPairs(refused: ReadonlyMap<string, Outcome>): readonly Pair[] {
  return [...refused].flatMap(([key, one]) => {
    const namesake = namesakes.find(([there]) => there === one.asked.repository);
    if (namesake === undefined) return [];
    const other = refused.get(key.replace(` ${namesake[0]} `, ` ${namesake[1]} `));
    // A rule may be about one of them alone: by rules and names the answers may differ, by nothing else.
    if (other === undefined || other.expected.status !== one.expected.status) return [];
    return [{ one, other, reason: "refused" as const }];
  });
}

function neighbours(twins: readonly Outcome[]): readonly Pair[] {
  return twins.slice(1).flatMap((other, index) => {
    const one = twins[index];
    return one === undefined ? [] : [{ one, other, reason: "absent" as const }];
  });
}

/** What differs between the two, when the names and digests that the asker said are taken out; undefined where nothing does. */
export function differenceOf({ one, other }: Pair): string | undefined {
  for (const look of [
    (each: Outcome) => String(each.status),
    headersOf,
    textOf,
    (each: Outcome) => each.calls.join(" "),
  ]) {
    const [left, right] = [look(one), look(other)];
    if (left !== right) return `${describe(one)}: ${left}\n${describe(other)}: ${right}`;
  }
  return undefined;
}

function headersOf(outcome: Outcome): string {
  const headers = [...outcome.headers].filter(([name]) => name !== "x-request-id");
  return withoutNames(outcome, JSON.stringify(headers.toSorted(([one], [other]) => (one < other ? -1 : 1))));
}

function textOf(outcome: Outcome): string {
  return withoutNames(outcome, outcome.text);
}

/** Names that are compared have the same length, so that lengths are compared too. */
function withoutNames({ asked: { repository = "" }, path }: Outcome, text: string): string {
  const reference = path.split("?")[0]?.split("/").at(-1) ?? "";
  const source = new URLSearchParams(path.split("?")[1]).get("from") ?? "";
  const known = reference === "" ? text : text.replaceAll(reference, "REFERENCE");
  return known
    .replaceAll(/sha256:[0-9a-f]{64}/g, "DIGEST")
    .replaceAll(/[0-9A-HJKMNP-TV-Z]{26}/g, "UPLOAD")
    .replaceAll(`/v2/${repository}/`, "/v2/NAME/")
    .replaceAll(`repository:${repository}:`, "repository:NAME:")
    .replaceAll(`repository:${source}:`, "repository:SOURCE:")
    .replaceAll(` in ${repository}:`, " in NAME:")
    .replaceAll(` in ${repository}"`, ' in NAME"');
}

function describe({ asker, asked, path }: Outcome): string {
  return `${asker.name}, ${asked.method} ${path} (${asked.what})`;
}
