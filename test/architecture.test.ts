import { describe, expect, test } from "bun:test";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

// Executes the table of ARCHITECTURE.md: who imports whom, and who may touch the machine. Imports are read as text,
// so that types count as much as values.

const root = join(import.meta.dir, "..");
const sourceFiles = globSync("src/**/*.ts", { cwd: root }).map((file) => file.replace(/^src\//, ""));
const productFiles = sourceFiles.filter((file) => !file.endsWith(".test.ts"));

interface Rules {
  /** The layers (folders, and files that stand alone) with those each may import, as the table says. */
  readonly mayImport: ReadonlyMap<string, ReadonlySet<string>>;
  /** Who may import log.ts. */
  readonly mayLog: ReadonlySet<string>;
}

function readTable(): Rules {
  const text = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");
  const rows = [...text.matchAll(/^\| `([\w./]+)` \| [^|]+ \| ([^|]+) \|$/gm)].map(([, layer = "", allowed = ""]) => ({
    layer,
    allowed,
  }));
  const layers = rows.map((row) => row.layer);
  const expand = (words: string): Set<string> => {
    const allBut = /all but (.+)/.exec(words)?.[1];
    const named = (allBut ?? words)
      .replaceAll(/\(.*?\)/g, "")
      .split(/,| and /)
      .map((word) => word.trim());
    if (allBut !== undefined) return new Set(layers.filter((layer) => !named.includes(layer)));
    return new Set(layers.filter((layer) => named.some((name) => layer === name || layer.startsWith(name))));
  };
  const mayImport = new Map(
    rows.map(({ layer, allowed }) => [layer, allowed.startsWith("nothing") ? new Set<string>() : expand(allowed)]),
  );
  mayImport.set("main.ts", new Set(["cli"]));
  const logRow = rows.find((row) => row.layer === "log.ts");
  const mayLog = expand(/imported by (.+)/.exec(logRow?.allowed ?? "")?.[1] ?? "");
  mayLog.add("main.ts");
  return { mayImport, mayLog };
}

const rules = readTable();
const layers = [...rules.mayImport.keys()];

function layerOf(file: string): string | undefined {
  return layers.find((layer) => [layer, layer.replace(".ts", ".test.ts")].includes(file) || isIn(file, [layer]));
}

/** Every module a file names: static, type-only, dynamic, re-exported, and files it starts as workers. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, "src", file), "utf8");
  const patterns = [
    /^(?:import|export)\s[^;"']*?\sfrom\s+["']([^"']+)["']/gm,
    /^import\s+["']([^"']+)["']/gm,
    /\bimport\(\s*["']([^"']+)["']\s*\)/g,
    /\brequire\(\s*["']([^"']+)["']\s*\)/g,
    /new URL\(\s*["'](\.[^"']+\.ts)["'],\s*import\.meta\.url/g,
  ];
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, name = ""]) => name));
}

/** What a file imports by name from one module. */
function namesFrom(file: string, module: string): string[] {
  const text = readFileSync(join(root, "src", file), "utf8");
  const lists = [...text.matchAll(/^import\s+(?:type\s+)?\{([^}]*)\}\s+from\s+["']([^"']+)["']/gm)];
  return lists
    .filter(([, , name]) => name === module)
    .flatMap(([, list = ""]) => list.split(","))
    .map(
      (each) =>
        each
          .replace(/^\s*type\s+/, "")
          .split(" as ")[0]
          ?.trim() ?? "",
    )
    .filter((each) => each !== "");
}

function resolveLocal(file: string, name: string): string {
  return normalize(join(dirname(file), name));
}

/** A file without comments and types, so that a word in a sentence is no offence. */
function codeOf(file: string): string {
  return new Bun.Transpiler({ loader: "ts" }).transformSync(readFileSync(join(root, "src", file), "utf8"));
}

describe("the table of ARCHITECTURE.md", () => {
  test("has a row for every file under src", () => {
    expect(layers.length).toBeGreaterThan(10);
    expect(sourceFiles.filter((file) => layerOf(file) === undefined)).toEqual([]);
  });

  test("is kept by every import, types included", () => {
    const offences = productFiles.flatMap((file) => {
      const layer = layerOf(file) ?? "";
      const allowed = rules.mayImport.get(layer) ?? new Set();
      return importsOf(file)
        .filter((name) => name.startsWith("."))
        .map((name) => resolveLocal(file, name))
        .filter((target) => {
          if (target === "../package.json") return false;
          const targetLayer = layerOf(target) ?? target;
          if (targetLayer === "log.ts") return layer !== "log.ts" && !rules.mayLog.has(layer);
          return targetLayer !== layer && !allowed.has(targetLayer);
        })
        .map((target) => `${file} imports ${target}; ${layer} may import: ${[...allowed].join(", ") || "nothing"}`);
    });
    expect(offences).toEqual([]);
  });

  test("holds for files that exist: no import points at nothing, at a test or out of src", () => {
    const offences = productFiles.flatMap((file) =>
      importsOf(file)
        .filter((name) => name.startsWith("."))
        .map((name) => resolveLocal(file, name))
        .filter(
          (target) => target.startsWith("..") || target.endsWith(".test.ts") || !existsSync(join(root, "src", target)),
        )
        .filter((target) => target !== "../package.json")
        .map((target) => `${file} imports ${target}`),
    );
    expect(offences).toEqual([]);
  });

  test("leaves no cycle between files, types included", () => {
    const state = new Map<string, "open" | "done">();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === "done") return;
      if (state.get(file) === "open") {
        cycles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
        return;
      }
      state.set(file, "open");
      for (const name of importsOf(file).filter((each) => each.startsWith(".") && each.endsWith(".ts")))
        visit(resolveLocal(file, name), [...path, file]);
      state.set(file, "done");
    };
    for (const file of productFiles.filter((each) => existsSync(join(root, "src", each)))) visit(file, []);
    expect(cycles).toEqual([]);
  });
});

// Where each package of package.json may be named: the folders or files, below src.
const packagePlaces: Readonly<Record<string, readonly string[]>> = {
  "@peculiar/asn1-x509": ["pki"],
  "@peculiar/x509": ["pki"],
  "acme-client": ["certificates"],
  "apache-md5": ["auth"],
  bun: ["http/listener.ts"],
  commander: ["cli"],
  jose: ["auth/tokens"],
  ldapts: ["auth/ldap"],
  "lru-cache": ["auth", "certificates", "storage/cache", "registry", "api"],
  "openid-client": ["auth"],
  pino: ["log.ts"],
  "reflect-metadata": ["main.ts", "pki", "certificates"],
  ulid: ["composition", "process", "cli"],
  yaml: ["config", "enrolment/kubernetes.ts"],
  zod: ["config", "api/v1"],
};

// Who may name what the runtime or the machine offers. Everything else stays on web standards, so that the choice of
// the runtime can be taken back.
const machinePlaces: readonly {
  readonly what: RegExp;
  readonly places: readonly string[];
  /** What of it only computes, and may be named everywhere. */
  readonly pure?: readonly string[];
}[] = [
  { what: /^bun:test$/, places: ["core"] },
  { what: /^bun:sqlite$/, places: ["storage/sqlite"] },
  { what: /^bun:ffi$/, places: ["storage/filesystem", "process", "http/reuseport-group.ts"] },
  { what: /^(?:node:)?https?$/, places: [] },
  {
    what: /^(?:node:)?fs(?:\/promises)?$/,
    places: [
      "storage/filesystem",
      "storage/sqlite",
      "backup",
      "process",
      "pki",
      "auth",
      "certificates",
      "config",
      "doctor",
      "cli",
      "composition",
      "http/reuseport-group.ts",
    ],
  },
  { what: /^(?:node:)?child_process$/, places: ["process", "doctor"] },
  {
    what: /^(?:node:)?net$/,
    places: ["process", "doctor", "http/listener.ts", "http/client-certificate-listener.ts", "auth/ldap/connection.ts"],
    pure: ["isIP", "isIPv4", "isIPv6", "BlockList"],
  },
  {
    what: /^(?:node:)?tls$/,
    places: ["process", "doctor", "http/listener.ts", "http/client-certificate-listener.ts", "auth/ldap/connection.ts"],
    pure: ["getCACertificates"],
  },
  { what: /^(?:node:)?sqlite$/, places: [] },
];

// The files and folders that may say `Bun.`.
const bunPlaces = [
  "http/listener.ts",
  "storage/sqlite",
  "storage/filesystem",
  "auth/password.ts",
  "auth/decoy-hash.ts",
  "auth/stored-hash.ts",
  "cli/control-client.ts",
  "cli/program.ts",
  "cli/server.ts",
  "cli/version.ts",
];

function isIn(file: string, places: readonly string[]): boolean {
  return places.some((place) => file === place || file.startsWith(`${place}/`));
}

function packageOf(name: string): string {
  return name
    .split("/")
    .slice(0, name.startsWith("@") ? 2 : 1)
    .join("/");
}

describe("the outside world", () => {
  test("third-party packages are named in their own folders only", () => {
    const offences = productFiles.flatMap((file) =>
      importsOf(file)
        .filter((name) => !/^(?:\.|node:|bun:)/.test(name))
        .map(packageOf)
        .filter((name) => !(file.endsWith(".contract.ts") && name === "fast-check"))
        .filter((name) => !isIn(file, packagePlaces[name] ?? []))
        .map((name) => `${file} imports ${name}; it may be named in: ${packagePlaces[name]?.join(", ") ?? "nothing"}`),
    );
    expect(offences).toEqual([]);
  });

  test("every package of package.json has its places, and no other has", () => {
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { dependencies: object };
    expect(Object.keys(packagePlaces).toSorted()).toEqual(Object.keys(manifest.dependencies).toSorted());
  });

  test("files, sockets, databases and processes are touched in their own folders only", () => {
    const offences = productFiles.flatMap((file) =>
      importsOf(file).flatMap((name) =>
        machinePlaces
          .filter(({ what, places }) => what.test(name) && !isIn(file, places))
          .filter(({ pure }) => pure === undefined || namesFrom(file, name).some((each) => !pure.includes(each)))
          .map(({ places }) => `${file} imports ${name}; it may be named in: ${places.join(", ") || "nothing"}`),
      ),
    );
    expect(offences).toEqual([]);
  });

  test("the runtime is named in few files", () => {
    const offences = productFiles
      .filter((file) => /\bBun\s*\./.test(codeOf(file)) && !isIn(file, bunPlaces))
      .map((file) => `${file} names Bun; it may be named in: ${bunPlaces.join(", ")}`);
    expect(offences).toEqual([]);
  });

  test("TLS-08: certificates are verified everywhere but where doctor looks at a foreign chain and sends nothing, and where a client is told why it is refused", () => {
    const forbidden = /rejectUnauthorized\s*:\s*(?:false|!1)|InsecureSkipVerify/;
    const offences = productFiles.filter((file) => forbidden.test(codeOf(file)));
    expect(offences.toSorted()).toEqual(["doctor/seen-chain.ts", "http/client-certificate-listener.ts"]);
  });

  test("only the command line ends the process or writes to its output", () => {
    const forbidden = /\bprocess\s*\.\s*(?:exit|exitCode|stdout|stderr|abort)\b|\bconsole\s*\./;
    const offences = productFiles
      .filter((file) => !isIn(file, ["cli", "main.ts"]))
      .flatMap((file) => {
        const found = forbidden.exec(codeOf(file))?.[0];
        return found === undefined ? [] : [`${file} says ${found}; only cli/ and main.ts may`];
      });
    expect(offences).toEqual([]);
  });

  test("core reads no clock, no environment and no chance of its own", () => {
    const forbidden = /\bDate\s*\.\s*now\b|\bnew Date\(\)|\bprocess\s*\.|\bMath\s*\.\s*random\b|\bfetch\(/;
    const offences = productFiles
      .filter((file) => layerOf(file) === "core" && !file.endsWith(".contract.ts"))
      .flatMap((file) => {
        const found = forbidden.exec(codeOf(file))?.[0];
        return found === undefined ? [] : [`${file} says ${found}`];
      });
    expect(offences).toEqual([]);
  });
});
