import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rootFilesystem } from "./content.ts";
import { startDozo, type RunningDozo } from "./dozo.ts";
import { expectSame, readEverything, writtenFiles } from "./enrolment.ts";
import { Lan, type Machine, type Person } from "./machine.ts";
import type { Tree } from "./tree.ts";

const minute = 60_000;
const dockerAndKin = ["/usr/bin/docker", "/usr/local/bin/docker", "/usr/sbin/dockerd", "/usr/bin/containerd"];
const unknownAuthority = /x509: certificate signed by unknown authority/;

describe("the line for clients, for podman, buildah and skopeo", () => {
  let lan: Lan;
  let client: Machine;
  let bob: Person;
  let dozo: RunningDozo;
  let line: string;
  let registry: string;

  beforeAll(async () => {
    lan = await Lan.build();
    client = await lan.addClient("workstation", dockerAndKin);
    bob = await client.addPerson("bob", { administers: false });
    dozo = await startDozo(lan.server, { password: "chosen by the person" });
    registry = dozo.banner.registry;
    line = dozo.banner.enrolmentLine ?? "false";
  }, minute);

  afterAll(async () => {
    await lan?.shutDown();
  }, minute);

  /** Their own store of images is not what this is about. */
  const everything = async (): Promise<Tree> => {
    const tree = await readEverything(client, [bob]);
    return new Map([...tree].filter(([path]) => !/\/\.local\/share\/containers|\/\.cache|\/\.config\/cni/.test(path)));
  };

  /** From a state where nothing trusts the server to pushes and pulls of all three, and back. Gives the files it took. */
  const enrolAndUse = async (options: string, vfs: string, as: { as?: Person }): Promise<string[]> => {
    const mustRun = async (script: string): Promise<string> => client.mustRun(script, as);
    const [podman, buildah] = [`podman ${vfs}`, `buildah ${vfs}`];
    await mustRun(`${rootFilesystem("root.tar")} && ${podman} import -q root.tar ${registry}/team/podman:1`);
    for (const tool of ["podman", "skopeo", "buildah"]) {
      const login = await client.run(`echo x | ${tool} login -u admin --password-stdin ${registry}`, as);
      expect(login.output).toMatch(unknownAuthority);
    }
    const before = await everything();
    const dryRun = await mustRun(`${line} ${options} --dry-run`);
    expectSame(before, await everything());

    await client.mustRun(`${line} ${options} --user admin --password-stdin`, { ...as, input: `${dozo.password}\n` });
    const enrolled = await everything();
    const written = writtenFiles(before, enrolled).filter((path) => !path.includes("/dozo-enroll/"));
    for (const path of written) expect(dryRun).toContain(path);

    await mustRun(`${podman} push -q ${registry}/team/podman:1 && ${podman} rmi ${registry}/team/podman:1`);
    await mustRun(`${podman} pull -q ${registry}/team/podman:1`);
    await mustRun(`skopeo copy -q docker://${registry}/team/podman:1 docker://${registry}/team/skopeo:1`);
    await mustRun(`skopeo copy -q docker://${registry}/team/skopeo:1 dir:copy && rm -r copy`);
    const built = `${registry}/team/buildah:1`;
    await mustRun(
      `c=$(${buildah} from ${registry}/team/skopeo:1) && ${buildah} commit -q $c ${built} && ${buildah} rm $c`,
    );
    await mustRun(`${buildah} push -q ${built} && ${buildah} rmi ${built} && ${buildah} pull -q ${built}`);

    await mustRun(`${line} ${options} --no-login`);
    expectSame(enrolled, await everything());
    await mustRun(`${line} ${options} --undo`);
    expectSame(before, await everything());
    expect((await client.run(`${podman} pull ${registry}/team/podman:1`, as)).output).toMatch(unknownAuthority);
    return written;
  };

  test(
    "root: they push and pull, and after --undo all is as it was",
    async () => {
      expect(await enrolAndUse("", "", {})).toContain(`/etc/docker/certs.d/${registry}/ca.crt`);
    },
    2 * minute,
  );

  test(
    "somebody who may not become root is told so, and nothing is written",
    async () => {
      const before = await everything();
      const result = await client.run(line, { as: bob });
      expect(result.exitCode).toBe(1);
      expect(result.stderr).toContain("--home");
      expectSame(before, await everything());
    },
    minute,
  );

  test(
    "with --home they push and pull for that person, and nothing is written anywhere else",
    async () => {
      const files = await enrolAndUse("--home", "--storage-driver vfs", { as: bob });
      expect(files).toEqual([`${bob.home}/.config/containers/certs.d/${registry}/ca.crt`]);
    },
    2 * minute,
  );
});
