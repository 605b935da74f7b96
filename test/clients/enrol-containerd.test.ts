import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { goPrograms } from "../../scripts/suites.ts";
import { rootFilesystem } from "./content.ts";
import { startDozo, type RunningDozo } from "./dozo.ts";
import { expectSame, readEverything } from "./enrolment.ts";
import { Lan, type Machine } from "./machine.ts";

const minute = 60_000;
const environment = { PATH: `${goPrograms()}:/usr/sbin:/usr/bin:/sbin:/bin` };
const hostsFolder = "--hosts-dir /etc/containerd/certs.d";

// What containerd 2.2 and later have by default, and do not read: two folders in one setting.
const settings = `version = 3

[plugins.'io.containerd.cri.v1.images'.registry]
  # kept as it is
  config_path = '/etc/containerd/certs.d:/etc/docker/certs.d'
`;

describe("the line for clients, on a machine with containerd 2", () => {
  let lan: Lan;
  let client: Machine;
  let dozo: RunningDozo;
  let line: string;
  let image: string;

  beforeAll(async () => {
    lan = await Lan.build();
    client = await lan.addClient("node");
    dozo = await startDozo(lan.server, { password: "chosen by the person" });
    line = dozo.banner.enrolmentLine ?? "false";
    image = `${dozo.banner.registry}/team/ctr:1`;
    await client.mustRun("mkdir -p /etc/containerd && cat > /etc/containerd/config.toml", { input: settings });
    await client.start([join(goPrograms(), "containerd")], { environment }).waitFor(/containerd successfully booted/);
    await client.mustRun(rootFilesystem("root.tar"));
    const fill = "buildah add -q $c root.tar / && buildah config --cmd /bin/sh $c";
    await client.mustRun(
      `c=$(buildah from scratch) && ${fill} && buildah commit -q $c oci-archive:image.tar:${image} && buildah rm $c`,
    );
    await ctr("images import image.tar");
  }, minute);

  afterAll(async () => {
    await lan?.shutDown();
  }, minute);

  const ctr = async (command: string): Promise<string> => client.mustRun(`ctr ${command}`, { environment });

  test(
    "ctr pushes, pulls and runs with the hosts folder that it wrote",
    async () => {
      const push = `images push ${hostsFolder} --user 'admin:${dozo.password}' ${image}`;
      expect((await client.run(`ctr ${push}`, { environment })).output).toMatch(/x509|authorization failed/);
      const before = await readEverything(client, []);
      await client.mustRun(`${line} --no-login`, { environment });
      await ctr(push);
      await ctr(`images rm ${image}`);
      await ctr(`images pull ${hostsFolder} --user 'admin:${dozo.password}' ${image}`);
      expect(await ctr(`run --rm ${image} first /bin/echo it runs`)).toBe("it runs\n");
      await client.mustRun(`${line} --undo`, { environment });
      expectSame(before, await readEverything(client, []));
    },
    minute,
  );

  test(
    "the trap of containerd's two folders in one setting is named, and mended on request",
    async () => {
      const before = await readEverything(client, []);
      const node = { environment: { PATH: `${client.folder}/tmp/node:${environment.PATH}` } };
      await client.mustRun("mkdir $TMPDIR/node && ln -s /bin/true $TMPDIR/node/kubelet");
      expect(await client.mustRun(`${line} --no-login`, node)).toMatch(/config_path.*one folder[^]*--fix-containerd/);
      expect(await client.mustRun("cat /etc/containerd/config.toml")).toBe(settings);
      await client.mustRun(`${line} --no-login --fix-containerd`, { environment });
      const effective = await client.mustRun("containerd config dump", { environment });
      expect(effective).toMatch(/cri\.v1\.images'?\.registry\]\s+config_path = '\/etc\/containerd\/certs\.d'/);
      await client.mustRun(`${line} --undo`, { environment });
      expectSame(before, await readEverything(client, []));
    },
    minute,
  );
});
