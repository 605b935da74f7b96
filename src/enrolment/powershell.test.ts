import "reflect-metadata";
import { beforeAll, describe, expect, test } from "bun:test";
import { createHash, X509Certificate } from "node:crypto";
import { createAuthority, createServerKey, issueServerCertificate } from "../pki/certificate-authority.ts";
import { type RegistryIdentity, registryIdentity } from "./identity.ts";
import { powershellLine, powershellScript } from "./powershell.ts";

// No PowerShell runs here. What can be known of a text without one is tested: that it is whole and balanced, that nothing of a
// registry can leave its quotes, that the key is judged before anything is asked, and that the sums are right.

let certificatePem: string;
let box: RegistryIdentity;

beforeAll(async () => {
  const now = Date.now();
  const authority = await createAuthority({ hostNames: [], suffixes: [], publicAddresses: [] }, now);
  certificatePem = await issueServerCertificate(authority, {
    names: ["localhost"],
    serverKeyPem: await createServerKey(),
    now,
  });
  box = registryIdentity({ registry: "box.lan:5000", caPem: authority.rootPem, certificatePem });
});

interface Piece {
  readonly kind: "code" | "single" | "double" | "comment";
  readonly text: string;
}

/** PowerShell's text in pieces, after about_Quoting_Rules: '' in single quotes, ` and "" in double ones, # to the end of a line. */
function pieces(script: string): readonly Piece[] {
  const found: Piece[] = [];
  let rest = script;
  const forms = [
    ["single", /^'(?:[^']|'')*'/],
    ["double", /^"(?:[^"`]|`[^]|"")*"/],
    ["comment", /^#[^\n]*/],
    ["code", /^(?:[^'"#`]|`[^])+/],
  ] as const;
  while (rest !== "") {
    const [kind, match] = forms
      .map(([name, form]) => [name, form.exec(rest)?.[0] ?? ""] as const)
      .find(([, text]) => text !== "") ?? ["code", ""];
    if (match === "") throw new Error(`a quote is open: ${rest.slice(0, 60)}`);
    found.push({ kind, text: match });
    rest = rest.slice(match.length);
  }
  return found;
}

function codeOf(script: string): string {
  return pieces(script)
    .map(({ kind, text }) => (kind === "code" ? text : kind === "comment" ? "" : "''"))
    .join("");
}

/** Every bracket closed, by its own kind. */
function openBrackets(code: string): string {
  const open: string[] = [];
  const pairs: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };
  for (const character of code) {
    if ("([{".includes(character)) open.push(character);
    else if (pairs[character] !== undefined && open.pop() !== pairs[character]) return `${character} closes nothing`;
  }
  return open.join("");
}

describe("the script for Windows", () => {
  test("is whole: quotes and brackets close, and its last line says that it is the last", () => {
    const script = powershellScript(box);
    expect(openBrackets(codeOf(script))).toBe("");
    expect(script).toEndWith("\n# the end of enroll.ps1\n");
  });

  // Windows PowerShell 5.1 reads a script without a mark in the machine's own alphabet.
  test("is ASCII, and says nothing that Windows PowerShell 5.1 does not know", () => {
    const script = powershellScript(box);
    expect(script).toMatch(/^[\n\x20-\x7e]*$/);
    expect(codeOf(script)).not.toMatch(/\?\?|\?\.|&&|\|\||\?\s*[^\n{]+\s:\s/);
  });

  test("begins with its parameters, which nothing but comments may precede", () => {
    expect(powershellScript(box)).toMatch(/^(#[^\n]*\n)+\[CmdletBinding\(\)\]\nparam\(/);
  });

  test("has every function that it calls, and calls every one that it has", () => {
    const code = codeOf(powershellScript(box));
    const own = [...code.matchAll(/^function ([A-Za-z-]+)/gm)].map(([, name = ""]) => name);
    const named = new Set(code.match(/(?<![\w$.:-])(?:[A-Z][A-Za-z]*-[A-Z]\w*|Say|Warn|Note)(?![\w-])/g) ?? []);
    const ofPowershell = [
      "ConvertFrom-Json ConvertTo-Json Get-Command Get-Service Join-Path New-Object Out-Null Out-String Read-Host Set-StrictMode",
      "Test-Path Where-Object Write-Host",
    ].join(" ");
    expect([...named].filter((name) => !own.includes(name)).toSorted()).toEqual(ofPowershell.split(" ").toSorted());
    for (const name of own) expect(code.split(name).length, name).toBeGreaterThan(2);
  });

  test("closes no window that it was pasted into: it ends the process only as a file", () => {
    const lines = codeOf(powershellScript(box)).split("\n");
    const exits = lines.filter((line) => /\bexit\b/.test(line));
    expect(exits).toEqual(["if ($PSCommandPath) { if ($state.Failed) { exit 1 } else { exit 0 } }"]);
  });

  test("carries the registry's facts as words in quotes, the certificate as it is", () => {
    const facts = pieces(powershellScript(box)).filter(({ kind }) => kind === "single");
    const words = facts.map(({ text }) => text.slice(1, -1));
    for (const word of ["box.lan:5000", "box.lan", "dozo-box.lan-5000", box.keyPin, box.caPem])
      expect(words).toContain(word ?? "");
  });

  test("trusts nobody where the certificate is trusted already", () => {
    const script = powershellScript({ ...box, caPem: undefined, keyPin: undefined });
    expect(script).toContain("$CaPem = ''\n");
    expect(script).toContain("$KeyPin = ''\n");
  });
});

describe("the line for PowerShell", () => {
  test("is one line whose quotes and brackets close, short enough for any console", () => {
    const line = powershellLine(box);
    expect(line).not.toContain("\n");
    expect(openBrackets(codeOf(line))).toBe("");
    // cmd.exe takes 8,191 characters, and it is the least that any of them takes.
    expect(line.length).toBeLessThan(2000);
  });

  test("compares the key before it asks the server for anything, and runs what came last of all", () => {
    const line = powershellLine(box);
    const order = [
      "AuthenticateAsClient(",
      `-cne '${box.keyPin ?? ""}'`,
      "$s.Write(",
      "$s.Read(",
      "[scriptblock]::Create(",
    ];
    const places = order.map((step) => line.indexOf(step));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(0);
    expect(line.match(/\[scriptblock\]|Invoke-Expression|\biex\b/g)).toEqual(["[scriptblock]"]);
  });

  test("sums up the very bytes that the pin was made of", () => {
    const head = /FromBase64String\('([^']+)'\)/.exec(powershellLine(box))?.[1] ?? "";
    const { x, y } = new X509Certificate(certificatePem).publicKey.export({ format: "jwk" });
    // GetPublicKey answers the point as the certificate has it (SEC 1, section 2.3.3): 4, x, y.
    const point = Buffer.concat([
      Buffer.from([4]),
      Buffer.from(x ?? "", "base64url"),
      Buffer.from(y ?? "", "base64url"),
    ]);
    const sum = createHash("sha256")
      .update(Buffer.concat([Buffer.from(head, "base64"), point]))
      .digest("base64");
    expect(sum).toBe(box.keyPin ?? "");
  });

  test("lets Windows judge the certificate where it can", () => {
    const line = powershellLine({ ...box, caPem: undefined, keyPin: undefined });
    expect(line).toContain("Invoke-WebRequest -UseBasicParsing 'https://box.lan:5000/enroll.ps1'");
    expect(line).not.toContain("{ $true }");
  });

  test.each([
    ["box", "'box', 443"],
    ["[fd00::1]:5000", "'fd00::1', 5000"],
    ["10.0.0.1", "'10.0.0.1', 443"],
  ])("for %s goes to %s", (registry, target) => {
    expect(powershellLine({ ...box, registry })).toContain(`Net.Sockets.TcpClient(${target})`);
  });
});
