import { expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { sourceFolder } from "./source.ts";

const root = dirname(sourceFolder);

const whole = `{
  id: "x",
  name: "x",
  method: "GET",
  pattern: "/v2/{name}/x",
  action: "pull",
  body: "none",
  handler: () => ({ status: 200, headers: {}, body: undefined }),
}`;

/** Whether the compiler takes each of these for a row of the route table. */
async function compile(rows: Readonly<Record<string, string>>): Promise<Readonly<Record<string, boolean>>> {
  const folder = await mkdtemp(join(tmpdir(), "dozo-route-"));
  try {
    const compilerOptions = { typeRoots: [join(root, "node_modules/@types")] };
    const options = { extends: join(root, "tsconfig.json"), include: ["*.ts"], compilerOptions };
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(options));
    const table = JSON.stringify(join(sourceFolder, "api/routes.ts"));
    for (const [name, row] of Object.entries(rows))
      await writeFile(
        join(folder, `${name}.ts`),
        `import type { ApiRoute } from ${table};\nexport const row: ApiRoute = ${row};\n`,
      );
    const tsc = Bun.spawn([join(root, "node_modules/.bin/tsc"), "-p", "."], { cwd: folder, stdout: "pipe" });
    const output = await new Response(tsc.stdout).text();
    await tsc.exited;
    return Object.fromEntries(Object.keys(rows).map((name) => [name, !output.includes(`${name}.ts(`)]));
  } finally {
    await rm(folder, { recursive: true });
  }
}

function withHandlerFor(call: string): string {
  return whole.replace(/\(\) => /, `(_parts: unknown, _call: ${call}) => `);
}

test("AUTHZ-01, DOS-04: a row does not compile without an action or a body, nor with a handler that wants more than it is given", async () => {
  const compiles = await compile({
    whole,
    withoutAction: whole.replace('action: "pull",', ""),
    withUnknownAction: whole.replace('"pull"', '"anything"'),
    withoutBody: whole.replace('body: "none",', ""),
    withRepository: withHandlerFor("{ readonly repository: string }"),
    // Who pulls need not be logged in.
    withPrincipal: withHandlerFor("{ readonly principal: object }"),
    withBody: withHandlerFor("{ readonly readBody: object }"),
    withBodyThatIsTakenIn: withHandlerFor("{ readonly readBody: object }").replace('"none"', '"json"'),
    withUpload: withHandlerFor("{ readonly upload: object }").replace('"none"', '"json"'),
    withRequest: withHandlerFor("{ readonly request: Request }"),
  });

  expect(compiles).toEqual({
    whole: true,
    withoutAction: false,
    withUnknownAction: false,
    withoutBody: false,
    withRepository: true,
    withPrincipal: false,
    withBody: false,
    withBodyThatIsTakenIn: true,
    withUpload: false,
    withRequest: false,
  });
}, 60_000);
