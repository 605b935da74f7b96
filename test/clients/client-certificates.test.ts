import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { rootFilesystem, writeBigDockerArchive } from "./content.ts";
import { startDocker20, startDocker29 } from "./docker.ts";
import { dozoProgram, type RunningDozo, startDozo } from "./dozo.ts";
import { Lan, type Machine, type Result, serverName } from "./machine.ts";

const minute = 60_000;
const registry = `${serverName}:5443`;
const certificates = `/etc/docker/certs.d/${registry}`;

describe("clients that show a certificate and never log in", () => {
  let lan: Lan;
  let client: Machine;
  let desk: Machine;
  let dozo: RunningDozo;
  let issued: string;
  let daemonFiles: string;

  beforeAll(async () => {
    lan = await Lan.build();
    client = await lan.addClient("laptop");
    desk = await lan.addClient("desk");
    dozo = await startDozo(lan.server, {
      password: "nobody on these machines knows it",
      arguments: ["--listen", "0.0.0.0:5000", "--listen", "mtls://0.0.0.0:5443"],
    });
    issued = join(client.folder, "tmp/issued");
    await dozo.command(`cert issue --client admin --out ${issued}`);
    daemonFiles = join(client.folder, "tmp/daemon");
    await client.mustRun(`${dozoProgram} cert issue --dockerd ${client.address} --out ${daemonFiles}`);
    const [ca, certificate, key] = ["ca.pem", "server-cert.pem", "server-key.pem"].map((name) =>
      join(daemonFiles, name),
    );
    await startDocker20(client, [
      "--tlsverify",
      `--tlscacert=${ca}`,
      `--tlscert=${certificate}`,
      `--tlskey=${key}`,
      "--host=tcp://0.0.0.0:2376",
      "--host=unix:///var/run/docker.sock",
    ]);
    await client.mustRun(`${rootFilesystem("root.tar")} && docker import root.tar ${registry}/team/app:1`);
    await client.mustRun(`mkdir -p ${certificates} && cp ${issued}/ca.crt ${certificates}/`);
  }, 2 * minute);

  afterAll(async () => {
    await lan?.shutDown();
  }, minute);

  const withFiles = (files: string, command: string): Promise<Result> =>
    desk.run(`docker -H tcp://${client.address}:2376 ${command}`, {
      environment: { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: files },
    });

  test(
    "Docker is refused without a certificate, and shows why",
    async () => {
      const push = await client.run(`docker push ${registry}/team/app:1`);
      expect(push.exitCode).toBe(1);
      expect(push.output).toContain("demands a client certificate");
    },
    minute,
  );

  test(
    "Docker pushes and pulls with the files that were issued",
    async () => {
      await client.mustRun(`cp ${issued}/* ${certificates}/`);
      expect(await client.mustRun(`docker push ${registry}/team/app:1`)).toMatch(/digest: sha256:/);
      await client.mustRun(`docker rmi ${registry}/team/app:1 && docker pull -q ${registry}/team/app:1`);
      expect(await client.mustRun("cat ~/.docker/config.json 2>/dev/null || echo none")).toBe("none\n");
    },
    minute,
  );

  test(
    "256 MB go up and come down whole",
    async () => {
      const name = `${registry}/team/big:1`;
      const archive = join(client.folder, "tmp/big.tar");
      writeBigDockerArchive(archive, name, 2, 128);
      await client.mustRun(`docker load -q -i ${archive} && rm ${archive}`);
      const before = await client.mustRun(`docker inspect -f '{{json .RootFS.Layers}}' ${name}`);
      await client.mustRun(`docker push -q ${name} && docker rmi ${name} && docker pull -q ${name}`);
      expect(await client.mustRun(`docker inspect -f '{{json .RootFS.Layers}}' ${name}`)).toBe(before);
      await client.mustRun(`docker rmi ${name}`);
    },
    2 * minute,
  );

  test(
    "Docker Engine 29, whose images are in containerd's store, pulls and pushes with the same files",
    async () => {
      await startDocker29(desk);
      await desk.mustRun(`mkdir -p ${certificates} && cp ${issued}/ca.crt ${certificates}/`);
      expect((await desk.run(`docker pull ${registry}/team/app:1`)).exitCode).toBe(1);
      await desk.mustRun(`cp ${issued}/* ${certificates}/ && docker pull -q ${registry}/team/app:1`);
      const name = `${registry}/team/from-29:1`;
      expect(await desk.mustRun(`docker tag ${registry}/team/app:1 ${name} && docker push ${name}`)).toMatch(
        /digest: sha256:/,
      );
    },
    minute,
  );

  test(
    "skopeo inspects and copies with --cert-dir, and is refused without",
    async () => {
      const name = `docker://${registry}/team/app:1`;
      expect(await desk.mustRun(`skopeo inspect --cert-dir ${issued} ${name}`)).toContain("team/app");
      await desk.mustRun(`skopeo copy -q --src-cert-dir ${issued} ${name} oci:layout:1`);
      await desk.mustRun(`skopeo copy -q --dest-cert-dir ${issued} oci:layout:1 docker://${registry}/team/copy:1`);
      await desk.mustRun(`mkdir trust && cp ${issued}/ca.crt trust/`);
      const refused = await desk.run(`skopeo inspect --cert-dir trust ${name}`);
      expect(refused.exitCode).not.toBe(0);
      expect(refused.output).toMatch(/demands a client certificate|403/);
    },
    minute,
  );

  test(
    "podman pushes and pulls with --cert-dir, and is refused without",
    async () => {
      const name = `${registry}/team/by-podman:1`;
      await desk.mustRun("podman tag $(podman pull -q oci:layout:1) localhost/made-here");
      await desk.mustRun(`podman push -q --cert-dir ${issued} localhost/made-here ${name}`);
      await desk.mustRun(`podman pull -q --cert-dir ${issued} ${name} && podman rmi ${name}`);
      expect((await desk.run(`podman pull --cert-dir trust ${name}`)).exitCode).not.toBe(0);
    },
    minute,
  );

  test("the record has every push and pull as the user's, with the certificate and nothing else", async () => {
    const [{ serial }] = JSON.parse(await dozo.command("cert list --json")) as [{ serial: string }];
    const events = JSON.parse(
      await dozo.command("audit --repository 'team/*' --outcome done --limit 1000 --json"),
    ) as readonly Record<"kind" | "name" | "repository" | "credentialKind" | "credentialId", string>[];

    const who = events.map(({ name, credentialKind, credentialId }) => `${name} ${credentialKind} ${credentialId}`);
    expect([...new Set(who)]).toEqual([`admin certificate ${serial}`]);
    const pushed = events.filter(({ kind }) => kind === "push").map(({ repository }) => repository);
    expect([...new Set(pushed)].toSorted()).toEqual([
      "team/app",
      "team/big",
      "team/by-podman",
      "team/copy",
      "team/from-29",
    ]);
  });

  test(
    "after the revocation Docker and skopeo are refused, and told so",
    async () => {
      await dozo.command("cert revoke --client admin");

      const pull = await client.run(`docker pull ${registry}/team/app:1`);
      const inspect = await desk.run(`skopeo inspect --cert-dir ${issued} docker://${registry}/team/app:1`);

      expect([pull.exitCode, inspect.exitCode]).not.toContain(0);
      expect(pull.output).toContain("was revoked");
    },
    minute,
  );

  test(
    "a Docker daemon on TCP answers who has the files that were made for it, and nobody else",
    async () => {
      const answered = await withFiles(daemonFiles, "version --format '{{.Server.Version}}'");
      expect(answered.output).toMatch(/^\d+\.\d+/);

      const other = join(desk.folder, "tmp/other");
      await desk.mustRun(`${dozoProgram} cert issue --dockerd ${client.address} --out ${other}`);
      // Trusts the right daemon, and shows the certificate of another one's client.
      await desk.mustRun(`cp ${daemonFiles}/ca.pem ${other}/`);
      const foreign = await withFiles(other, "version");
      const without = await desk.run(`docker -H tcp://${client.address}:2376 version`);
      const plain = await desk.run(`curl -sk https://${client.address}:2376/version`);

      expect([foreign.exitCode, without.exitCode, plain.exitCode]).not.toContain(0);
      expect(foreign.output).toMatch(/bad certificate|certificate/);
    },
    minute,
  );
});
