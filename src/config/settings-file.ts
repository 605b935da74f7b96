import { type ErrorCode, isCollection, isMap, isScalar, LineCounter, type Node, parseDocument, stringify } from "yaml";

/** A settings file in YAML, with the place of everything in it. */
export interface SettingsFile {
  /** What keeps it from being read at all, each with its line. */
  readonly faults: readonly string[];
  /** Every key at every level, where it stands. */
  readonly keys: readonly { readonly path: readonly string[]; readonly place: string }[];
  valueAt(path: readonly string[]): unknown;
  isMapAt(path: readonly string[]): boolean;
  /** `FILE:LINE:COLUMN` of a value, or of the nearest thing around it. */
  placeOf(path: readonly PropertyKey[]): string;
}

const badNesting =
  "the lines do not fit together here: one setting a line, what belongs to it below it and further right";
const unreadable = "this is no YAML; look at this line and the one above it";

/** What is wrong with the file, for those who do not know the words of YAML. */
const faultTexts: Partial<Record<ErrorCode, string>> = {
  BAD_INDENT: badNesting,
  BLOCK_AS_IMPLICIT_KEY: badNesting,
  BLOCK_IN_FLOW: badNesting,
  DUPLICATE_KEY: "this name stands here for the second time",
  MISSING_CHAR: "a closing quotation mark, a bracket, a comma or a colon is missing",
  MULTILINE_IMPLICIT_KEY: badNesting,
  TAB_AS_INDENT: "there is a tab in front of it, and only spaces are allowed there",
};

/** Reads the text of a settings file. `name` is how messages call it. */
export function readSettingsFile(name: string, text: string): SettingsFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const placeAt = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const faults = document.errors.map((error) => `${placeAt(error.pos[0])}: ${faultTexts[error.code] ?? unreadable}`);
  const contents = document.contents;
  if (faults.length === 0 && contents !== null && !isMap(contents)) {
    const empty = isScalar(contents) && contents.value === null;
    if (!empty) faults.push(`${placeAt(contents.range?.[0] ?? 0)}: a settings file is a list of "name: value" lines`);
  }
  const nodeAt = (path: readonly PropertyKey[]): unknown =>
    isCollection(contents) ? (path.length === 0 ? contents : contents.getIn(path, true)) : undefined;
  return {
    faults,
    keys: keysOf(contents, [], placeAt),
    valueAt: (path) => {
      const node = nodeAt(path);
      return isNode(node) ? (node.toJS(document) as unknown) : node;
    },
    isMapAt: (path) => isMap(nodeAt(path)),
    placeOf: (path) => {
      for (let length = path.length; length >= 0; length--) {
        const node = nodeAt(path.slice(0, length));
        if (isNode(node)) return placeAt(node.range?.[0] ?? 0);
      }
      return name;
    },
  };
}

/** The text of a settings file with these settings, which somebody wrote so before. */
export function settingsFileText(settings: Readonly<Record<string, unknown>>, comment: string): string {
  const lines = Object.keys(settings).length === 0 ? "" : stringify(settings);
  return `# ${comment}\n${lines}`;
}

function isNode(value: unknown): value is Node {
  return isScalar(value) || isCollection(value);
}

function keysOf(
  node: unknown,
  path: readonly string[],
  placeAt: (offset: number) => string,
): { path: readonly string[]; place: string }[] {
  if (!isMap(node)) return [];
  return node.items.flatMap((pair) => {
    const key = isScalar(pair.key) ? pair.key : undefined;
    const here = [...path, String(key?.value)];
    return [{ path: here, place: placeAt(key?.range?.[0] ?? 0) }, ...keysOf(pair.value, here, placeAt)];
  });
}
