import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { makeCertificates } from "./certificates.ts";
import { rootFilesystem } from "./content.ts";
import { startDocker20, startDocker29 } from "./docker.ts";
import { startDozo, type RunningDozo } from "./dozo.ts";
import { expectSame, readEverything, writtenFiles } from "./enrolment.ts";
import { Lan, type Machine, type Person, type Program, type Result } from "./machine.ts";
import type { Tree } from "./tree.ts";

const minute = 60_000;
const unknownAuthority = /x509: certificate signed by unknown authority/;
const podmanAndKin = ["/usr/bin/podman", "/usr/bin/buildah", "/usr/bin/skopeo"];

interface Engine {
  readonly engine: string;
  readonly start: (machine: Machine) => Promise<Program>;
  /** What stands in the person's config.json before; as Docker itself would have written it. */
  readonly logins: string | undefined;
  /** Another certificate lies where the server's is to go. */
  readonly hasOldCa: boolean;
  readonly restartsToBuild: boolean;
}

const engines: readonly Engine[] = [
  {
    engine: "Docker 20.10, as Debian ships it",
    start: startDocker20,
    logins: undefined,
    hasOldCa: false,
    restartsToBuild: true,
  },
  {
    engine: "Docker Engine 29, with the containerd image store",
    start: startDocker29,
    logins: `{\n\t"auths": {\n\t\t"elsewhere.test": {\n\t\t\t"auth": "YW5uOnNlY3JldA=="\n\t\t}\n\t}\n}`,
    hasOldCa: true,
    restartsToBuild: false,
  },
];

describe.each(engines)(
  "the line for clients, on a machine with $engine",
  ({ start, logins, hasOldCa, restartsToBuild }) => {
    let lan: Lan;
    let client: Machine;
    let ann: Person;
    let engine: Program;
    let dozo: RunningDozo;
    let line: string;
    let team: string;
    let before: Tree;
    let enrolled: Tree;
    let dryRun: Result;
    let screen: string;

    const asAnn = async (script: string): Promise<string> => client.mustRun(script, { as: ann });
    /** What docker build keeps for itself in the person's folder is not what this is about. */
    const everything = async (): Promise<Tree> =>
      new Map([...(await readEverything(client, [ann]))].filter(([path]) => !/\/\.docker\/\.build/.test(path)));
    const build = "DOCKER_BUILDKIT=1 docker build --progress plain --network none --pull";

    beforeAll(async () => {
      lan = await Lan.build();
      client = await lan.addClient("laptop", podmanAndKin);
      ann = await client.addPerson("ann");
      await client.mustRun("usermod -aG docker ann");
      dozo = await startDozo(lan.server, { password: "chosen by the person" });
      line = dozo.banner.enrolmentLine ?? "false";
      team = `${dozo.banner.registry}/team`;
      engine = await start(client);
      await client.mustRun(`${rootFilesystem("root.tar")} && docker import root.tar ${team}/base:1`);
      const dockerfile = `FROM ${team}/base:1\nCOPY here /\nRUN ["/bin/cat", "/here"]\n`;
      await client.mustRun("mkdir app && echo built > app/here && cat > app/Dockerfile", {
        as: ann,
        input: dockerfile,
      });
      if (logins !== undefined)
        await client.mustRun("umask 77 && mkdir .docker && cat > .docker/config.json", { as: ann, input: logins });
      if (hasOldCa) {
        const { ca } = await makeCertificates(client, "older");
        await client.mustRun(`install -D -m 640 -g docker ${ca} /etc/docker/certs.d/${dozo.banner.registry}/ca.crt`);
      }
    }, minute);

    afterAll(async () => {
      await lan?.shutDown();
    }, minute);

    test(
      "before it, neither login nor push nor build trusts the server",
      async () => {
        for (const command of [
          `echo wrong | docker login -u admin --password-stdin ${dozo.banner.registry}`,
          `docker push ${team}/base:1`,
          // BuildKit remembers a failure for minutes: the base is one that is not built on again.
          `echo FROM ${team}/other | ${build} -`,
        ])
          expect((await client.run(command, { as: ann })).output).toMatch(unknownAuthority);
      },
      minute,
    );

    test(
      "with --dry-run it writes nothing",
      async () => {
        before = await everything();
        dryRun = await client.run(`${line} --dry-run`, { as: ann });
        expect(dryRun.exitCode).toBe(0);
        expectSame(before, await everything());
      },
      minute,
    );

    test(
      "pasted on a terminal it asks for the login there, and shows no password",
      async () => {
        const terminal = client.openTerminal(line, { as: ann });
        await terminal.answer(/User of .*: /, dozo.user);
        await terminal.answer(/Password of .*: /, dozo.password);
        expect(await terminal.end()).toBe(0);
        screen = terminal.screen();
        expect(screen).not.toContain(dozo.password);
        expect(screen).toMatch(/logged in +docker, as admin/);
        enrolled = await everything();
      },
      minute,
    );

    test("every file that it wrote is one that --dry-run named, but for the login and its own list of them", () => {
      const written = writtenFiles(before, enrolled).filter(
        (path) => !/\/dozo-enroll\/|\/\.docker\/config\.json$/.test(path),
      );
      expect(written).not.toBeEmpty();
      for (const path of written) expect(dryRun.stdout).toContain(path);
    });

    test(
      "push and pull work, and the credentials are the person's, not root's",
      async () => {
        expect(enrolled.get(`${ann.home}/.docker/config.json`)).toMatch(new RegExp(`^f 600 ${ann.id}:${ann.id} `));
        expect([...enrolled.keys()].filter((path) => path.startsWith(`${client.folder}/home/.docker`))).toEqual([]);
        expect(await asAnn(`docker push ${team}/base:1`)).toMatch(/digest: sha256:/);
        await asAnn(`docker rmi ${team}/base:1 && docker pull ${team}/base:1`);
      },
      minute,
    );

    test(
      "docker build with BuildKit takes its base from there, and its result goes there",
      async () => {
        expect(screen.includes("Restart Docker")).toBe(restartsToBuild);
        if (restartsToBuild) {
          await engine.stop();
          await start(client);
        }
        await asAnn(`docker rmi ${team}/base:1`);
        await asAnn(`${build} -t ${team}/app:1 app && docker push ${team}/app:1 && docker rmi ${team}/app:1`);
        expect(await asAnn(`docker run --rm --network none ${team}/app:1 /bin/cat /here`)).toBe("built\n");
      },
      minute,
    );

    test(
      "a second time it changes nothing, without a terminal either",
      async () => {
        const now = await everything();
        expect(await asAnn(line)).toMatch(/logged in +docker \(already\)/);
        expectSame(now, await everything());
      },
      minute,
    );

    test(
      "--undo restores everything byte for byte, and the server is not trusted any longer",
      async () => {
        await asAnn(`${line} --undo`);
        expectSame(before, await everything());
        expect((await client.run(`docker pull ${team}/base:1`, { as: ann })).output).toMatch(unknownAuthority);
      },
      minute,
    );

    test(
      "through sudo the login is the person's too, and so is what --undo takes back",
      async () => {
        await client.mustRun(`sudo ${line} --user admin --password-stdin`, { as: ann, input: dozo.password });
        const now = await everything();
        expect(now.get(`${ann.home}/.docker/config.json`)).toMatch(new RegExp(`^f 600 ${ann.id}:${ann.id} `));
        expect([...now.keys()].filter((path) => path.startsWith(`${client.folder}/home/.docker`))).toEqual([]);
        await asAnn(`docker pull ${team}/base:1`);
        await asAnn(`sudo ${line} --undo`);
        expectSame(before, await everything());
      },
      minute,
    );

    test(
      "without a terminal and a password it writes the files, and says how to log in",
      async () => {
        expect(await asAnn(line)).toContain(`docker login ${dozo.banner.registry}`);
        await asAnn(`${line} --undo`);
        expectSame(before, await everything());
      },
      minute,
    );
  },
);
