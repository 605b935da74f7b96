import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { rootFilesystem, writeMultiPlatformLayout } from "../clients/content.ts";
import { startDocker20 } from "../clients/docker.ts";
import { serverName } from "../clients/machine.ts";
import { settingsOf } from "./page.ts";
import { type Step, Walk } from "./walk.ts";

const minutes = 3 * 60_000;
const registry = `${serverName}:5000`;
let walk: Walk | undefined;

afterEach(async () => {
  await walk?.lan.shutDown();
  walk = undefined;
});

function outputOf(steps: readonly Step[], command: RegExp): string {
  const step = steps.find((each) => command.test(each.command));
  if (step === undefined) throw new Error(`no step like ${String(command)}`);
  return step.output;
}

describe("what the page says works as it is written", () => {
  test(
    "a team that pushes, and CI that may only pull; and what the record has of that",
    async () => {
      const auditFile = "/var/lib/dozo/audit.jsonl";
      const onThisLan = (text: string): string => text.replace("/var/log/dozo/audit.jsonl", auditFile);
      walk = await Walk.begin(["laptop", "ci"], onThisLan(settingsOf("audit.md")));
      const [laptop, ci, server] = [walk.machine("laptop"), walk.machine("ci"), walk.machine("registry")];
      await Promise.all([startDocker20(laptop), startDocker20(ci)]);
      await laptop.mustRun(`${rootFilesystem("root.tar")} && docker import root.tar ${registry}/team/app:1`);

      const steps = await walk.through("team-with-read-only-ci.md", {
        answer: (command, before) =>
          command.startsWith("docker login -u alice") ? `${passwordIn(outputOf(before, /user add alice/))}\n` : "",
        before: async (where, command) => {
          if (where !== "ci" || !command.includes("< ci.key")) return;
          await ci.mustRun("cat > ci.key", { input: await server.mustRun("cat ci.key") });
        },
      });

      expect(outputOf(steps, /check alice push/)).toMatch(/^yes: group:dev may pull, push, overwrite in team/);
      expect(outputOf(steps, /^docker push/)).toMatch(/digest: sha256:/);
      expect(steps.findLast(({ command }) => command.startsWith("docker push"))?.output).toContain(
        "ci may not push in team/app",
      );
      expect(outputOf(steps, /check ci push/)).toMatch(/^no: no rule allows it/);
      expect(outputOf(steps, /key revoke/)).toMatch(/revoked/);

      const digest = /sha256:[0-9a-f]{64}/.exec(outputOf(steps, /^docker push/))?.[0] ?? "";
      const asked = await walk.through("audit.md", {
        replace: (command) =>
          onThisLan(command)
            .replace(/sha256:[0-9a-f]{64}/, digest)
            .replace("192.0.2.7", laptop.address),
      });
      expect(outputOf(asked, /what push/)).toMatch(/ alice +push +team\/app:1@sha256:\w+ +\S+ +password +done/);
      expect(outputOf(asked, /--digest/)).toMatch(/ alice +push +[^]* ci +pull [^\n]*team\/app/);
      expect(outputOf(asked, /refused --since/)).toContain("ci may not push in team/app");
      expect(JSON.parse(outputOf(asked, /refused --who alice/))).toEqual([]);
      expect(outputOf(asked, /what change/)).toMatch(/ operator +revoke key +/);
      expect(outputOf(asked, /add rule/).match(/ operator +add rule +/g)).toHaveLength(2);
      expect(outputOf(asked, /unused$/)).toContain("the record has every pull since");
      expect(outputOf(asked, /--from/)).toMatch(/ alice +log in /);
      const lines = outputOf(asked, /^tail/).trim().split("\n");
      expect(lines.map((line) => (JSON.parse(line) as { kind: string }).kind)).toHaveLength(3);
      expect(outputOf(asked, /status/)).toMatch(/^record +/m);
    },
    minutes,
  );

  test(
    "a public mirror: everybody pulls, one machine fills it",
    async () => {
      walk = await Walk.begin(["laptop", "mirror"]);
      const [laptop, mirror, server] = [walk.machine("laptop"), walk.machine("mirror"), walk.machine("registry")];
      await startDocker20(laptop);
      writeMultiPlatformLayout(join(mirror.folder, "tmp/alpine"));

      const steps = await walk.through("public-mirror.md", {
        // Nothing outside can be reached from this LAN.
        replace: (command) =>
          command.replace("docker://docker.io/library/alpine:3.22", `oci:${join(mirror.folder, "tmp/alpine")}`),
        before: async (where, command) => {
          if (where !== "mirror" || !command.includes("< mirror.key")) return;
          await mirror.mustRun("cat > mirror.key", { input: await server.mustRun("cat mirror.key") });
        },
      });

      const opened = outputOf(steps, /allow anonymous/);
      for (const word of ["auto", "bearer", "basic", "29.5", "29.0", "--system-store", "docker build"])
        expect(opened).toContain(word);
      expect(outputOf(steps, /^curl/)).toContain('{"repositories":["public/alpine"]}');
      expect(await laptop.mustRun("cat ~/.docker/config.json 2>/dev/null || echo none")).not.toContain(registry);
      expect(steps.findLast(({ command }) => command.startsWith("docker pull"))?.output).toMatch(
        /log in|unauthorized|denied/,
      );
    },
    minutes,
  );

  test(
    "a script that looks after the registry",
    async () => {
      walk = await Walk.begin(["tools"]);
      const [tools, server] = [walk.machine("tools"), walk.machine("registry")];

      const steps = await walk.through("automate.md", {
        before: async (where, command) => {
          if (where !== "tools" || !command.includes("$(cat admin.key)")) return;
          await tools.mustRun("cat > admin.key", { input: await server.mustRun("cat admin.key") });
        },
      });

      expect(outputOf(steps, /api\/v1\/me$/)).toMatch(/"name":"automation".*"isAdmin":true/);
      expect(outputOf(steps, /api\/v1\/access/)).toContain('"isAllowed":true');
      expect(await tools.mustRun("cat builder.json")).toMatch(/"key":"dozo_/);
      expect(outputOf(steps, /me\/keys/)).toContain("403");
      expect(outputOf(steps, /api\/v1\/groups$/)).toContain('"members":["builder"]');
      expect(outputOf(steps, /api\/v1\/audit/)).toMatch(/"join group".*"add group".*"next":[0-9]+/);
      expect(steps.findLast(({ where }) => where === "tools")?.output).toContain("401");
    },
    minutes,
  );
});

function passwordIn(text: string): string {
  return /shown this once: (\S+)/.exec(text)?.[1] ?? "";
}

test("every page with commands for machines is walked through here", () => {
  const source = readFileSync(import.meta.path, "utf8");
  for (const page of ["team-with-read-only-ci.md", "public-mirror.md", "audit.md", "automate.md"])
    expect(source).toContain(`"${page}"`);
});

test("the index of the pages names each of them, and README the index", () => {
  const root = join(import.meta.dir, "../..");
  const index = readFileSync(join(root, "docs/how-to/README.md"), "utf8");
  const pages = readdirSync(join(root, "docs/how-to")).filter((name) => name.endsWith(".md") && name !== "README.md");

  const named = [...index.matchAll(/\]\(([a-z-]+\.md)\)/g)].map(([, page = ""]) => page);
  expect(named.toSorted()).toEqual(pages.toSorted());
  expect(readFileSync(join(root, "README.md"), "utf8")).toContain("(docs/how-to/README.md)");
});
