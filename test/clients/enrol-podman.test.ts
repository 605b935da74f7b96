import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rootFilesystem } from "./content.ts";
import { startDozo, type RunningDozo } from "./dozo.ts";
import { expectSame, readEverything } from "./enrolment.ts";
import { Lan, type Machine, type Person } from "./machine.ts";
import type { Tree } from "./tree.ts";

const minute = 60_000;
const docker = ["/usr/bin/docker", "/usr/local/bin/docker", "/usr/sbin/dockerd", "/usr/bin/containerd"];
const unknownAuthority = /x509: certificate signed by unknown authority/;

// Root's own, and those of somebody who may not become root there.
const people = [{ who: "root", administers: true, isRoot: true, podman: "podman" }];

describe.each(people)("the line for clients, pasted by $who, for podman, buildah and skopeo", ({ isRoot, podman }) => {
  let lan: Lan;
  let client: Machine;
  let dozo: RunningDozo;
  let bob: Person;
  let line: string;
  let registry: string;
  const buildah = podman.replace("podman", "buildah");

  beforeAll(async () => {
    lan = await Lan.build();
    client = await lan.addClient("workstation", docker);
    bob = await client.addPerson("bob", { administers: false });
    dozo = await startDozo(lan.server, { password: "chosen by the person" });
    registry = dozo.banner.registry;
    line = dozo.banner.enrolmentLine ?? "false";
    await mustRun(rootFilesystem("root.tar"));
    await mustRun(`${podman} import -q root.tar ${registry}/team/podman:1`);
  }, minute);

  afterAll(async () => {
    await lan?.shutDown();
  }, minute);

  const as = (): { as?: Person } => (isRoot ? {} : { as: bob });
  const mustRun = async (script: string): Promise<string> => client.mustRun(script, as());
  const everything = async (): Promise<Tree> => {
    const tree = await readEverything(client, [bob]);
    return new Map(
      [...tree].filter(([path]) => !path.includes("/.local/share/containers") && !path.includes("/.cache")),
    );
  };

  test(
    "they do not trust the server, then they push and pull, and after --undo all is as it was",
    async () => {
      for (const tool of ["podman", "skopeo", "buildah"]) {
        const login = await client.run(`echo x | ${tool} login -u admin --password-stdin ${registry}`, as());
        expect(login.output).toMatch(unknownAuthority);
      }
      const before = await everything();
      await client.mustRun(`${line} --user admin --password-stdin`, { ...as(), input: `${dozo.password}\n` });
      const enrolled = await everything();
      if (!isRoot)
        expect(
          [...enrolled].filter(([path, facts]) => before.get(path) !== facts && !path.startsWith(bob.home)),
        ).toEqual([]);

      await mustRun(`${podman} push -q ${registry}/team/podman:1 && ${podman} rmi ${registry}/team/podman:1`);
      await mustRun(`${podman} pull -q ${registry}/team/podman:1`);
      await mustRun(`skopeo copy -q docker://${registry}/team/podman:1 docker://${registry}/team/skopeo:1`);
      await mustRun(`skopeo copy -q docker://${registry}/team/skopeo:1 dir:copy && rm -r copy`);
      await mustRun(
        `c=$(${buildah} from ${registry}/team/skopeo:1) && ${buildah} commit -q $c ${registry}/team/buildah:1 && ${buildah} rm $c`,
      );
      await mustRun(`${buildah} push -q ${registry}/team/buildah:1 && ${buildah} pull -q ${registry}/team/buildah:1`);

      await mustRun(`${line} --no-login`);
      expectSame(enrolled, await everything());
      await mustRun(`${line} --undo`);
      expectSame(before, await everything());
      expect((await client.run(`${podman} pull ${registry}/team/podman:1`, as())).output).toMatch(unknownAuthority);
    },
    2 * minute,
  );
});
