import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { rootFilesystem, writeBigDockerArchive } from "./content.ts";
import { loginWithPasswordOnInput, startDozo, type RunningDozo } from "./dozo.ts";
import { Lan, serverName, type Machine } from "./machine.ts";

const minute = 60_000;
const image = "made-here";
const digestPattern = /sha256:[0-9a-f]{64}/;

async function timed(step: string, work: () => Promise<unknown>): Promise<void> {
  const begun = performance.now();
  await work();
  process.stdout.write(`  2 GB, ${step}: ${((performance.now() - begun) / 1000).toFixed(1)} s\n`);
}

/** What every Docker daemon has to find when it does what dozo's banner says, on another machine than the server. */
export function describeDocker(engine: string, startEngine: (machine: Machine) => Promise<unknown>): void {
  describe(engine, () => {
    let lan: Lan;
    let client: Machine;
    let dozo: RunningDozo;

    beforeAll(async () => {
      lan = await Lan.build();
      client = await lan.addClient("laptop");
      dozo = await startDozo(lan.server);
      await startEngine(client);
      await client.mustRun(`${rootFilesystem("root.tar")} && docker import root.tar ${image}`);
    }, 2 * minute);

    afterAll(async () => {
      await lan?.shutDown();
    }, minute);

    const login = async (password: string): Promise<string> => {
      const result = await client.run(loginWithPasswordOnInput(dozo.banner), { input: password });
      return `${result.exitCode === 0 ? "in" : "out"}: ${result.output}`;
    };
    const pushed = (): string => dozo.banner.pushLine.replace("docker push ", "");

    test("the banner names an address that is not loopback, in at most 12 lines", async () => {
      expect(dozo.banner.registry).toBe(`${serverName}:5000`);
      expect(dozo.banner.text.trim().split("\n").length).toBeLessThanOrEqual(12);
    });

    test(
      "without the CA the login is refused for the certificate",
      async () => {
        expect(await login(dozo.password)).toMatch(/^out: [^]*x509/);
      },
      minute,
    );

    test(
      "the line that makes a client trust the server works as printed",
      async () => {
        const said = await client.mustRun(dozo.banner.enrolmentLine ?? "false");
        expect(said).toContain(`${dozo.banner.registry} is trusted here`);
        expect(await login("wrong")).not.toMatch(/x509/);
      },
      minute,
    );

    test(
      "a wrong password is refused",
      async () => {
        expect(await login("wrong")).toMatch(/^out: [^]*(?:unauthorized|401|incorrect)/i);
      },
      minute,
    );

    test(
      "without credentials neither push nor pull is allowed",
      async () => {
        await client.mustRun(dozo.banner.importLine);
        await client.mustRun(dozo.banner.tagLine);
        const push = await client.run(dozo.banner.pushLine);
        expect(push.exitCode).toBe(1);
        expect(push.output).toMatch(/no basic auth credentials|unauthorized|log in/i);
        const pull = await client.run(`docker pull ${dozo.banner.registry}/nothing`);
        expect(pull.exitCode).toBe(1);
        expect(pull.output).toMatch(/no basic auth credentials|unauthorized|log in/i);
      },
      minute,
    );

    test(
      "the lines for login, import, tag and push work as printed",
      async () => {
        expect(await login(dozo.password)).toMatch(/^in: [^]*Login Succeeded/);
        await client.mustRun(dozo.banner.importLine);
        await client.mustRun(dozo.banner.tagLine);
        expect(await client.mustRun(dozo.banner.pushLine)).toMatch(/digest: sha256:/);
      },
      minute,
    );

    test(
      "what was pushed can be pulled by tag and by digest, and runs",
      async () => {
        await client.mustRun(`docker tag ${image} ${pushed()}`);
        const pushOutput = await client.mustRun(dozo.banner.pushLine);
        const digest = digestPattern.exec(pushOutput.slice(pushOutput.lastIndexOf("digest:")))?.[0] ?? "";
        await client.mustRun(`docker rmi ${pushed()} ${image}`);
        expect(await client.mustRun(`docker pull ${pushed()}`)).toContain(digest);
        await client.mustRun(`docker rmi ${pushed()}`);
        const byDigest = `${pushed().replace(/:[^:/]+$/, "")}@${digest}`;
        expect(await client.mustRun(`docker pull ${byDigest}`)).toContain(digest);
        const said = await client.mustRun(`docker run --rm --network none ${byDigest} /bin/echo it runs`);
        expect(said.trim()).toBe("it runs");
        await client.mustRun(`docker pull ${pushed()}`);
      },
      minute,
    );

    test(
      "a repository that is not there is reported as that",
      async () => {
        const result = await client.run(`docker pull ${dozo.banner.registry}/nobody/pushed/this`);
        expect(result.exitCode).toBe(1);
        expect(result.output).toMatch(/not found|manifest unknown/i);
      },
      minute,
    );

    test(
      "docker search finds the repository",
      async () => {
        const name = pushed()
          .split("/")
          .slice(1)
          .join("/")
          .replace(/:[^:/]+$/, "");
        expect(await client.mustRun(`docker search ${dozo.banner.registry}/${name}`)).toContain(name);
      },
      minute,
    );

    test(
      "an image of 2 GB in 10 layers goes up, and comes down whole",
      async () => {
        const big = `${dozo.banner.registry}/big:two-gigabytes`;
        const archive = join(client.folder, "tmp/big.tar");
        writeBigDockerArchive(archive, big, 10, 191);
        await timed("load", async () => client.mustRun(`docker load -q -i ${archive} && rm ${archive}`));
        const before = await client.mustRun(`docker inspect -f '{{json .RootFS.Layers}}' ${big}`);
        await timed("push", async () => client.mustRun(`docker push -q ${big}`));
        await client.mustRun(`docker rmi ${big}`);
        await timed("pull", async () => client.mustRun(`docker pull -q ${big}`));
        expect(await client.mustRun(`docker inspect -f '{{json .RootFS.Layers}}' ${big}`)).toBe(before);
        expect((JSON.parse(before) as string[]).length).toBe(10);
        await client.mustRun(`docker rmi ${big}`);
      },
      5 * minute,
    );

    test(
      "when the disk is nearly full, the client shows why the push is refused",
      async () => {
        const full = await startDozo(lan.server, {
          data: join(lan.server.folder, "full-disk"),
          arguments: ["--listen", "0.0.0.0:5001", "--min-free-bytes", String(2 ** 52)],
          password: "no room",
        });
        await client.mustRun(full.banner.enrolmentLine ?? "false");
        await client.mustRun(loginWithPasswordOnInput(full.banner), { input: full.password });
        const name = `${full.banner.registry}/app`;
        const push = await client.run(`docker tag ${pushed()} ${name} && docker push ${name}`);
        expect(push.exitCode).toBe(1);
        expect(push.output).toMatch(/disk is nearly full/);
        await full.program.stop();
      },
      minute,
    );

    test(
      "on port 443 the name alone is the registry: docker login https://NAME",
      async () => {
        const standard = await startDozo(lan.server, {
          data: join(lan.server.folder, "standard-port"),
          arguments: ["--listen", "0.0.0.0:443", "--host", serverName],
          password: "a password of the person's own",
        });
        expect(standard.banner.registry).toBe(serverName);
        await client.mustRun(standard.banner.enrolmentLine ?? "false");
        await client.mustRun(`docker login https://${serverName} -u admin --password-stdin`, {
          input: standard.password,
        });
        const name = `${serverName}/team/app:1`;
        await client.mustRun(`docker tag ${pushed()} ${name}`);
        await client.mustRun(`docker push ${name} && docker rmi ${name} && docker pull ${name}`);
        await standard.program.stop();
      },
      2 * minute,
    );
  });
}
