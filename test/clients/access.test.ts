import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rootFilesystem } from "./content.ts";
import { startDocker20, startDocker29 } from "./docker.ts";
import { type RunningDozo, startDozo } from "./dozo.ts";
import { Lan, type Machine } from "./machine.ts";

const minute = 60_000;
const password = "chosen by the person";

/** A client program, and how it is told what to do; `image` is there as `made-here` before. */
interface Client {
  readonly name: string;
  /** Its repositories are below this. */
  readonly folder: string;
  /** With what it pulls what is open to everybody: some send no credentials before they are asked for them. */
  readonly asNobody: "token" | "none";
  readonly machine: () => Machine;
  readonly login: (registry: string, user: string) => string;
  readonly logout: (registry: string) => string;
  readonly push: (image: string) => string;
  readonly pull: (image: string) => string;
}

function dockerClient(names: Pick<Client, "name" | "folder" | "asNobody">, machine: () => Machine): Client {
  return {
    ...names,
    machine,
    login: (registry, user) => `docker login -u ${user} --password-stdin ${registry}`,
    logout: (registry) => `docker logout ${registry}`,
    push: (image) => `docker tag made-here ${image} && docker push -q ${image} && docker rmi ${image}`,
    pull: (image) => `docker pull -q ${image} && docker rmi ${image}`,
  };
}

/** What the record has of a request that was answered, as far as it is about who sent it. */
interface Recorded {
  readonly kind: string;
  readonly name?: string;
  readonly credentialKind: string;
  readonly credentialId?: string;
}

describe("real clients with every kind of credential", () => {
  let lan: Lan;
  let old: Machine;
  let recent: Machine;
  let dozo: RunningDozo;
  let registry: string;
  let key: string;
  let keyId: string;

  const oldDocker = dockerClient({ name: "Docker 20.10", folder: "docker-20", asNobody: "token" }, () => old);
  const clients: readonly Client[] = [
    oldDocker,
    dockerClient({ name: "Docker Engine 29", folder: "docker-29", asNobody: "none" }, () => recent),
    {
      name: "podman",
      folder: "podman",
      asNobody: "token",
      machine: () => old,
      login: (name, user) => `podman login -u ${user} --password-stdin ${name}`,
      logout: (name) => `podman logout ${name}`,
      push: (image) => `podman push -q localhost/made-here ${image}`,
      pull: (image) => `podman pull -q ${image} && podman rmi ${image}`,
    },
    {
      name: "skopeo",
      folder: "skopeo",
      asNobody: "token",
      machine: () => old,
      login: (name, user) => `skopeo login -u ${user} --password-stdin ${name}`,
      logout: (name) => `skopeo logout ${name}`,
      push: (image) => `skopeo copy -q oci-archive:made-here.tar docker://${image}`,
      pull: (image) => `skopeo copy -q docker://${image} oci-archive:pulled.tar && rm pulled.tar`,
    },
  ];

  beforeAll(async () => {
    lan = await Lan.build();
    [old, recent] = [await lan.addClient("old"), await lan.addClient("recent")];
    dozo = await startDozo(lan.server, { password });
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
    key = (await dozo.command("key create --for ci --repositories 'team/**' --allow pull,push")).trim();
    [{ id: keyId }] = JSON.parse(await dozo.command("key list --json")) as [{ id: string }];
  }, 2 * minute);

  afterAll(async () => {
    await lan?.shutDown();
  }, minute);

  /** What clients that show nothing are asked for. */
  async function askedFor(): Promise<string | undefined> {
    const { output } = await old.run(`curl -sk -o /dev/null -D - https://${registry}/v2/`);
    return /^www-authenticate: (\w+) /im.exec(output)?.[1];
  }

  /** Who pushed and pulled something in a repository, and with what, by the record of what happened. */
  async function recorded(repository: string): Promise<readonly string[]> {
    const events = JSON.parse(
      await dozo.command(`audit --repository ${repository} --outcome done --json`),
    ) as readonly Recorded[];
    return events.map(({ kind, name = "nobody", credentialKind, credentialId }) =>
      [kind, name, credentialKind, credentialId].filter((word) => word !== undefined).join(" "),
    );
  }

  /** Logs in, pushes, pulls and logs out; answers what the record has of it. */
  async function goThrough(
    client: Client,
    { user, secret, to }: { readonly user: string; readonly secret: string; readonly to: string },
  ): Promise<readonly string[]> {
    const machine = client.machine();
    const repository = `team/${client.folder}/${to}`;
    await machine.mustRun(client.login(registry, user), { input: secret });
    await machine.mustRun(client.push(`${registry}/${repository}:1`));
    await machine.mustRun(client.pull(`${registry}/${repository}:1`));
    await machine.mustRun(client.logout(registry));
    return recorded(repository);
  }

  async function refusal(client: Client, command: string): Promise<string> {
    const { exitCode, output } = await client.machine().run(command);
    return exitCode === 0 ? `was done: ${output}` : output;
  }

  test("while nothing is open clients are asked for a password", async () => {
    expect(await askedFor()).toBe("Basic");
  });

  for (const client of clients) {
    test(
      `${client.name} with a password, with an access key as the password, and without either`,
      async () => {
        expect(await goThrough(client, { user: "admin", secret: password, to: "password" })).toEqual([
          "push admin password",
          "pull admin password",
        ]);
        expect(await goThrough(client, { user: "ci", secret: key, to: "key" })).toEqual([
          `push ci key ${keyId}`,
          `pull ci key ${keyId}`,
        ]);
        expect(await refusal(client, client.pull(`${registry}/team/${client.folder}/key:1`))).toMatch(
          /unauthorized|no basic auth|log in/i,
        );
      },
      2 * minute,
    );
  }

  test(
    "once something is open to everybody clients are asked for a token",
    async () => {
      await dozo.command("access allow anonymous pull 'public/**'");
      expect(await askedFor()).toBe("Bearer");
      const names = clients.flatMap(({ folder }) => [`public/${folder}`, `public/${folder}/basic`]);
      const copies = names.map(
        (name) =>
          `skopeo copy -q --dest-creds 'admin:${password}' oci-archive:made-here.tar docker://${registry}/${name}:1`,
      );
      await old.mustRun(copies.join(" && "));
    },
    minute,
  );

  for (const client of clients) {
    test(
      `${client.name} by the token service: with a password, with an access key, and as nobody`,
      async () => {
        expect(await goThrough(client, { user: "admin", secret: password, to: "password-token" })).toEqual([
          "push admin token",
          "pull admin token",
        ]);
        expect(await goThrough(client, { user: "ci", secret: key, to: "key-token" })).toEqual([
          `push ci token ${keyId}`,
          `pull ci token ${keyId}`,
        ]);
        const name = `public/${client.folder}`;
        await client.machine().mustRun(client.pull(`${registry}/${name}:1`));
        expect(await recorded(name)).toEqual(["push admin token", `pull nobody ${client.asNobody}`]);
        expect(await refusal(client, client.push(`${registry}/${name}:2`))).toMatch(/unauthorized|denied|log in/i);
      },
      2 * minute,
    );
  }

  test(
    "Docker keeps a refresh token, not the key, and is refused by the next request after the key was revoked",
    async () => {
      const login = oldDocker.login(registry, "ci");
      const pull = oldDocker.pull(`${registry}/team/docker-20/key:1`);
      await old.mustRun(login, { input: key });
      const kept = await old.mustRun("cat ~/.docker/config.json");
      expect(kept).toContain('"identitytoken"');
      expect(kept).not.toContain(btoa(`ci:${key}`));
      await old.mustRun(pull);

      await dozo.command("key revoke --for ci");

      expect((await old.run(pull)).exitCode).not.toBe(0);
      expect((await old.run(login, { input: key })).exitCode).not.toBe(0);
      await old.mustRun(`docker logout ${registry}`);
    },
    minute,
  );

  test(
    "where clients are asked for a password all the same, podman's empty Basic header is nobody, and Docker with images of its own pulls nothing without a login",
    async () => {
      await dozo.program.stop();
      dozo = await startDozo(lan.server, { arguments: ["--challenge", "basic"], password });
      expect(await askedFor()).toBe("Basic");

      for (const client of clients) {
        const name = `public/${client.folder}/basic`;
        const pull = client.pull(`${registry}/${name}:1`);
        if (client === oldDocker) expect(await refusal(client, pull)).toContain("no basic auth credentials");
        else {
          await client.machine().mustRun(pull);
          expect(await recorded(name)).toEqual(["push admin token", "pull nobody none"]);
        }
      }
      const withEmptyHeader = `curl -sk -o /dev/null -w '%{http_code} ' -H 'Authorization: Basic Og=='`;
      for (const [path, status] of [
        ["public/podman", "200 "],
        ["team/podman/key", "401 "],
      ] as const)
        expect(await old.mustRun(`${withEmptyHeader} https://${registry}/v2/${path}/manifests/1`)).toBe(status);
    },
    minute,
  );
});
