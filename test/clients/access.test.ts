import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { rootFilesystem } from "./content.ts";
import { startDocker20, startDocker29 } from "./docker.ts";
import { type RunningDozo, startDozo } from "./dozo.ts";
import { Lan, type Machine } from "./machine.ts";

const minute = 60_000;

/** A client program, and how it is told what to do; `image` is there as `made-here` before. */
interface Client {
  readonly name: string;
  readonly machine: () => Machine;
  readonly login: (registry: string, user: string) => string;
  readonly logout: (registry: string) => string;
  readonly push: (image: string) => string;
  readonly pull: (image: string) => string;
}

function dockerClient(name: string, machine: () => Machine): Client {
  return {
    name,
    machine,
    login: (registry, user) => `docker login -u ${user} --password-stdin ${registry}`,
    logout: (registry) => `docker logout ${registry}`,
    push: (image) => `docker tag made-here ${image} && docker push ${image} && docker rmi ${image}`,
    pull: (image) => `docker pull ${image} && docker rmi ${image}`,
  };
}

describe("real clients with every kind of credential", () => {
  let lan: Lan;
  let old: Machine;
  let recent: Machine;
  let dozo: RunningDozo;
  let registry: string;
  let key: string;

  const clients: readonly Client[] = [
    dockerClient("Docker 20.10", () => old),
    dockerClient("Docker Engine 29", () => recent),
    {
      name: "podman",
      machine: () => old,
      login: (name, user) => `podman login -u ${user} --password-stdin ${name}`,
      logout: (name) => `podman logout ${name}`,
      push: (image) => `podman tag localhost/made-here ${image} && podman push ${image} && podman rmi ${image}`,
      pull: (image) => `podman pull ${image} && podman rmi ${image}`,
    },
    {
      name: "skopeo",
      machine: () => old,
      login: (name, user) => `skopeo login -u ${user} --password-stdin ${name}`,
      logout: (name) => `skopeo logout ${name}`,
      push: (image) => `skopeo copy oci-archive:made-here.tar docker://${image}`,
      pull: (image) => `rm -rf pulled && skopeo copy docker://${image} dir:pulled`,
    },
  ];

  beforeAll(async () => {
    lan = await Lan.build();
    old = await lan.addClient("old");
    recent = await lan.addClient("recent");
    dozo = await startDozo(lan.server, { password: "chosen by the person" });
    registry = dozo.banner.registry;
    await Promise.all([startDocker20(old), startDocker29(recent)]);
    for (const machine of [old, recent]) {
      await machine.mustRun(dozo.banner.enrolmentLine ?? "false");
      await machine.mustRun(`${rootFilesystem("root.tar")} && docker import root.tar made-here`);
    }
    await old.mustRun(
      "podman import -q root.tar localhost/made-here && podman save -q --format oci-archive -o made-here.tar localhost/made-here",
    );
    await dozo.command("robot add ci");
    key = (await dozo.command("key create --for ci --repositories 'team/**' --allow pull,push,overwrite")).trim();
  }, 2 * minute);

  afterAll(async () => {
    await lan?.shutDown();
  }, minute);

  /** Log in, push, pull, log out, and be refused afterwards. */
  async function goThrough(client: Client, user: string, secret: string, image: string): Promise<void> {
    const machine = client.machine();
    await machine.mustRun(client.login(registry, user), { input: secret });
    await machine.mustRun(client.push(image));
    await machine.mustRun(client.pull(image));
    await machine.mustRun(client.logout(registry));
    expect((await machine.run(client.pull(image))).exitCode).not.toBe(0);
  }

  const challenged = async (): Promise<string> =>
    (await old.run(`curl -sk -o /dev/null -D - https://${registry}/v2/`)).output;

  test("the registry asks for a password while nothing is open", async () => {
    expect(await challenged()).toMatch(/^www-authenticate: Basic /im);
  });

  for (const client of clients) {
    test(
      `${client.name} with a password, and with an access key as the password`,
      async () => {
        await goThrough(client, "admin", dozo.password, `${registry}/team/basic:1`);
        await goThrough(client, "ci", key, `${registry}/team/basic:2`);
      },
      2 * minute,
    );
  }

  test(
    "once something is open to everybody the registry asks for a token",
    async () => {
      await dozo.command("access allow anonymous pull 'public/**'");
      expect(await challenged()).toMatch(/^www-authenticate: Bearer realm="https:/im);
      await old.mustRun(
        `skopeo copy --dest-creds admin:'${dozo.password}' oci-archive:made-here.tar docker://${registry}/public/app:1`,
      );
    },
    minute,
  );

  for (const client of clients) {
    test(
      `${client.name} by the token service, and without any login`,
      async () => {
        await goThrough(client, "admin", dozo.password, `${registry}/team/token:1`);
        await goThrough(client, "ci", key, `${registry}/team/token:2`);
        const machine = client.machine();
        await machine.mustRun(client.pull(`${registry}/public/app:1`));
        expect((await machine.run(client.push(`${registry}/public/app:2`))).exitCode).not.toBe(0);
      },
      2 * minute,
    );
  }

  test(
    "podman's empty Basic header is nobody, who may pull what is open",
    async () => {
      const folder = join(old.folder, "tmp/empty.json");
      await old.mustRun(`printf '{"auths":{"%s":{"auth":"%s"}}}' ${registry} Og== > ${folder}`);
      await old.mustRun(
        `podman pull --authfile ${folder} ${registry}/public/app:1 && podman rmi ${registry}/public/app:1`,
      );
      const header = "Authorization: Basic Og==";
      const status = (path: string): string =>
        `curl -sk -o /dev/null -w '%{http_code} ' -H '${header}' https://${registry}${path}`;
      expect(
        await old.mustRun(`${status("/v2/public/app/manifests/1")}; ${status("/v2/team/token/manifests/1")}`),
      ).toBe("200 401 ");
    },
    minute,
  );

  test(
    "a revoked key is refused by the next request, and by the token service",
    async () => {
      await old.mustRun(`docker login -u ci --password-stdin ${registry}`, { input: key });
      await old.mustRun(`docker pull ${registry}/team/token:1 && docker rmi ${registry}/team/token:1`);
      await dozo.command("key revoke --for ci");
      const pull = await old.run(`docker pull ${registry}/team/token:1`);
      expect(pull.exitCode).not.toBe(0);
      expect((await old.run(`docker login -u ci --password-stdin ${registry}`, { input: key })).exitCode).not.toBe(0);
    },
    minute,
  );
});
