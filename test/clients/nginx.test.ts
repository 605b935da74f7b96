import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rootFilesystem } from "./content.ts";
import { startDocker20 } from "./docker.ts";
import { startDozo, type RunningDozo } from "./dozo.ts";
import { Lan, serverName, type Machine } from "./machine.ts";
import { startNginx } from "./nginx.ts";

const minute = 60_000;
const registry = `${serverName}:8443`;

describe("behind an nginx that ends TLS and passes on to a loopback listener", () => {
  let lan: Lan;
  let client: Machine;
  let dozo: RunningDozo;

  beforeAll(async () => {
    lan = await Lan.build();
    client = await lan.addClient("laptop");
    const listen = ["--listen", "http://127.0.0.1:5080", "--trusted-proxy", "127.0.0.1/32"];
    dozo = await startDozo(lan.server, { arguments: listen, password: "behind a proxy" });
    const { caPem } = await startNginx(lan.server, 8443, "http://127.0.0.1:5080");
    const folder = `/etc/docker/certs.d/${registry}`;
    await client.mustRun(`mkdir -p ${folder} && cat > ${folder}/ca.crt`, { input: caPem });
    await client.mustRun(rootFilesystem("root.tar"));
  }, minute);

  afterAll(async () => {
    await lan?.shutDown();
  }, minute);

  test("the plain listener is out of other machines' reach", async () => {
    const result = await client.run(`curl -s --max-time 5 http://${serverName}:5080/v2/`);
    expect(result.exitCode).toBe(7);
  });

  test(
    "podman logs in, pushes, pulls and runs",
    async () => {
      const name = `${registry}/team/podman:1`;
      const wrong = await client.run(`podman login -u admin --password-stdin ${registry}`, { input: "wrong" });
      expect(wrong.output).toMatch(/invalid username\/password|unauthorized/);
      await client.mustRun(`podman login -u admin --password-stdin ${registry}`, { input: dozo.password });
      await client.mustRun(`podman import -q root.tar ${name} && podman push -q ${name} && podman rmi ${name}`);
      await client.mustRun(`podman pull -q ${name}`);
      const run = `podman --runtime runc run --rm --network none --ulimit host ${name} /bin/echo it runs`;
      expect((await client.mustRun(run)).trim()).toBe("it runs");
    },
    minute,
  );

  test(
    "Docker logs in, pushes, pulls by digest, and searches",
    async () => {
      await startDocker20(client);
      const name = `${registry}/team/docker`;
      await client.mustRun(`docker login -u admin --password-stdin ${registry}`, { input: dozo.password });
      await client.mustRun(`docker import root.tar ${name}:1`);
      const digest = /sha256:[0-9a-f]{64}/.exec(
        (await client.mustRun(`docker push ${name}:1`)).split("digest:")[1] ?? "",
      )?.[0];
      await client.mustRun(`docker rmi ${name}:1 && docker pull ${name}@${digest}`);
      expect(await client.mustRun(`docker search ${registry}/docker`)).toContain("team/docker");
    },
    minute,
  );

  test(
    "300 MB go through as they come, and come back whole",
    async () => {
      await client.mustRun(
        "head -c 300000000 /dev/zero | openssl enc -aes-128-ctr -nosalt -K 00112233445566778899aabbccddeeff -iv 00 > noise",
      );
      const [sum] = (await client.mustRun("sha256sum noise")).split(" ");
      const api = `https://${registry}/v2/team/raw/blobs`;
      const curl = `curl -sf -u admin:'${dozo.password}' --cacert /etc/docker/certs.d/${registry}/ca.crt`;
      const location = await client.mustRun(`${curl} -X POST -o /dev/null -w '%header{location}' ${api}/uploads/`);
      expect(location).toStartWith("/v2/team/raw/blobs/uploads/");
      await client.mustRun(
        `${curl} -T noise -H 'Transfer-Encoding: chunked' "https://${registry}${location}?digest=sha256:${sum}"`,
      );
      expect(await client.mustRun(`${curl} ${api}/sha256:${sum} | sha256sum`)).toStartWith(sum ?? "");
    },
    minute,
  );
});
