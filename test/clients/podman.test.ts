import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { rootFilesystem, writeMultiPlatformLayout } from "./content.ts";
import { startDozo, type RunningDozo } from "./dozo.ts";
import { Lan, type Machine } from "./machine.ts";

const minute = 60_000;
const run = "podman --runtime runc run --rm --network none --ulimit host";
const blobsOf = (layout: string): string => `ls ${layout}/blobs/sha256 | sort`;

describe("podman, skopeo and buildah, as Debian ships them", () => {
  let lan: Lan;
  let client: Machine;
  let dozo: RunningDozo;
  let registry: string;

  beforeAll(async () => {
    lan = await Lan.build();
    client = await lan.addClient("workstation");
    dozo = await startDozo(lan.server, { password: "chosen by the person" });
    registry = dozo.banner.registry;
    await client.mustRun(rootFilesystem("root.tar"));
    await client.mustRun(`podman import -q root.tar ${registry}/team/podman:1`);
  }, minute);

  afterAll(async () => {
    await lan?.shutDown();
  }, minute);

  const login = async (tool: string, password: string): Promise<string> => {
    const result = await client.run(`${tool} login -u admin --password-stdin ${registry}`, { input: password });
    return `${result.exitCode === 0 ? "in" : "out"}: ${result.output}`;
  };

  test(
    "without the CA every one of them refuses the certificate",
    async () => {
      for (const tool of ["podman", "skopeo", "buildah"])
        expect(await login(tool, dozo.password)).toMatch(/^out: [^]*(?:x509|certificate)/);
    },
    minute,
  );

  test(
    "the line makes them trust the server; a wrong password is refused",
    async () => {
      await client.mustRun(dozo.banner.enrolmentLine ?? "false");
      for (const tool of ["podman", "skopeo", "buildah"])
        expect(await login(tool, "wrong")).toMatch(/^out: [^]*(?:invalid username\/password|unauthorized)/);
    },
    minute,
  );

  test(
    "without credentials neither push nor pull is allowed",
    async () => {
      const push = await client.run(`podman push ${registry}/team/podman:1`);
      expect(push.exitCode).not.toBe(0);
      expect(push.output).toMatch(/unauthorized|authentication required|log in/i);
      const pull = await client.run(`skopeo inspect docker://${registry}/team/podman:1`);
      expect(pull.exitCode).not.toBe(0);
      expect(pull.output).toMatch(/unauthorized|authentication required|log in/i);
    },
    minute,
  );

  test(
    "podman logs in, pushes, pulls by tag and by digest, runs and logs out",
    async () => {
      expect(await login("podman", dozo.password)).toMatch(/^in: /);
      const name = `${registry}/team/podman`;
      await client.mustRun(`podman push -q --digestfile digest ${name}:1`);
      const digest = (await client.mustRun("cat digest")).trim();
      await client.mustRun(`podman rmi ${name}:1 && podman pull -q ${name}:1 && podman rmi ${name}:1`);
      await client.mustRun(`podman pull -q ${name}@${digest}`);
      expect((await client.mustRun(`${run} ${name}@${digest} /bin/echo it runs`)).trim()).toBe("it runs");
      await client.mustRun(`podman logout ${registry}`);
    },
    minute,
  );

  test(
    "podman search finds the repository, and lists its tags",
    async () => {
      await login("podman", dozo.password);
      expect(await client.mustRun(`podman search ${registry}/podman`)).toContain("team/podman");
      expect(await client.mustRun(`podman search --list-tags ${registry}/team/podman`)).toMatch(/team\/podman\s+1\b/);
    },
    minute,
  );

  test(
    "buildah builds an image, pushes it, and starts another from it",
    async () => {
      await login("buildah", dozo.password);
      const name = `${registry}/team/buildah:1`;
      const build = `c=$(buildah from scratch) && buildah add -q $c root.tar / && buildah config --cmd /bin/sh $c && buildah commit -q $c ${name} && buildah rm $c`;
      await client.mustRun(build);
      await client.mustRun(`buildah push -q ${name} && buildah rmi ${name}`);
      expect(await client.mustRun(`buildah from --pull-always ${name}`)).toContain("working-container");
    },
    minute,
  );

  test(
    "skopeo copies an index of several platforms whole, and gets the same bytes back",
    async () => {
      await login("skopeo", dozo.password);
      const layout = join(client.folder, "home/layout");
      const { indexDigest, manifests } = writeMultiPlatformLayout(layout);
      const name = `docker://${registry}/team/multi:all`;
      await client.mustRun(`skopeo copy -q --all oci:${layout}:multi ${name}`);
      expect(await client.mustRun(`skopeo inspect --raw ${name} | sha256sum`)).toStartWith(indexDigest.slice(7));
      await client.mustRun(`skopeo copy -q --all ${name} oci:back:multi`);
      expect(await client.mustRun(blobsOf("back"))).toBe(await client.mustRun(blobsOf(layout)));
      expect(manifests).toBe(3);
      for (const platform of ["amd64", "arm64", "riscv64"])
        expect(await client.mustRun(`skopeo inspect --override-arch ${platform} ${name}`)).toContain(platform);
    },
    minute,
  );

  test(
    "skopeo copies within the registry by mounting, lists tags, and deletes",
    async () => {
      const multi = `docker://${registry}/team/multi`;
      await client.mustRun(`skopeo copy -q --all ${multi}:all docker://${registry}/other/multi:copied`);
      expect(await client.mustRun(`skopeo list-tags docker://${registry}/other/multi`)).toContain("copied");
      await client.mustRun(`skopeo delete docker://${registry}/other/multi:copied`);
      const gone = await client.run(`skopeo inspect docker://${registry}/other/multi:copied`);
      expect(gone.output).toMatch(/manifest unknown|not found/i);
      await client.mustRun(`skopeo inspect ${multi}:all`);
    },
    minute,
  );

  test(
    "a Debian root file system made by mmdebstrap goes up, comes down and runs",
    async () => {
      const archive = join(client.folder, "home/debian.tar");
      const made = await makeDebian(archive);
      process.stdout.write(`  real content: ${made}\n`);
      const name = `${registry}/debian:essential`;
      await client.mustRun(`podman import -q ${archive} ${name} && podman push -q ${name} && podman rmi ${name}`);
      await client.mustRun(`podman pull -q ${name}`);
      expect(await client.mustRun(`${run} ${name} /bin/sh -c 'cat /etc/debian_version'`)).toMatch(/^\d+/);
    },
    4 * minute,
  );
});

/** A root file system of Debian; of this machine's own files when Debian's archive is out of reach. Says which. */
async function makeDebian(archive: string): Promise<string> {
  const bootstrap = Bun.spawn(["mmdebstrap", "--quiet", "--variant=essential", "bookworm", archive], {
    stdout: "ignore",
    stderr: "ignore",
    timeout: 2 * minute,
  });
  if ((await bootstrap.exited) === 0 && existsSync(archive)) return "mmdebstrap --variant=essential bookworm";
  const own = ["bin", "sbin", "lib", "lib64", "usr/bin", "usr/lib/x86_64-linux-gnu", "etc/debian_version"];
  const options = ["--ignore-failed-read", "--exclude=*.a", "--exclude=llvm*"];
  await Bun.spawn(["tar", "-cf", archive, ...options, "-C", "/", ...own], { stderr: "ignore" }).exited;
  return "the machine's own files (Debian's archive is out of reach)";
}
