import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { scriptEnd } from "../../src/enrolment/line.ts";
import { makeCertificates } from "./certificates.ts";
import { startDozo, type RunningDozo } from "./dozo.ts";
import { expectSame, readEverything } from "./enrolment.ts";
import { startImpostor, type Impostor } from "./impostor.ts";
import { Lan, serverName, type Machine, type Person } from "./machine.ts";

const minute = 60_000;
const port = 5000;

describe("a man in the middle, and a line from the server's own terminal", () => {
  let lan: Lan;
  let client: Machine;
  let cafe: Machine;
  let ann: Person;
  let dozo: RunningDozo;
  let marker: string;
  let addresses = 100;

  beforeAll(async () => {
    lan = await Lan.build();
    [client, cafe] = [await lan.addClient("laptop"), await lan.addClient("cafe")];
    ann = await client.addPerson("ann");
    dozo = await startDozo(lan.server, { password: "chosen by the person" });
    marker = `${client.folder}/tmp/executed`;
  }, minute);

  afterAll(async () => {
    await lan?.shutDown();
  }, minute);

  /** Makes the client take an address for the server's, and pastes the line there. */
  const pasteAt = async (address: string): Promise<string> => {
    await client.mustRun(`sed -i 's/^[0-9.]* ${serverName} /${address} ${serverName} /' /etc/hosts`);
    const before = await readEverything(client, [ann]);
    const result = await client.run(dozo.banner.enrolmentLine ?? "false", { as: ann });
    expect(result.exitCode).not.toBe(0);
    expectSame(before, await readEverything(client, [ann]));
    expect(await client.mustRun(`ls -A ${client.folder}/tmp`)).toBe("");
    expect((await client.run(`find /tmp -maxdepth 1 -user ${ann.id}`)).stdout).toBe("");
    return result.output;
  };

  const pasteThrough = async (impostor: Impostor): Promise<string> => {
    const address = `10.77.0.${++addresses}`;
    await cafe.mustRun(`ip addr add ${address}/24 dev eth0`);
    const program = await startImpostor(cafe, impostor, { address, port, server: lan.server });
    const said = await pasteAt(address);
    await program.stop();
    return said;
  };

  // He knows by what the line knows a whole script.
  const evil = (): string => `#!/bin/sh\ntouch ${marker}\nsudo touch /etc/executed\n${scriptEnd}\n`;
  const otherKey = /does not match pinned public key[^]*Nothing was run/;

  test(
    "who answers for himself with a certificate that he made gets nothing executed, and nothing written",
    async () => {
      const certificates = await makeCertificates(cafe, "self-made");
      const said = await pasteThrough({ way: "answers", certificates, script: evil() });
      expect(said).toMatch(otherKey);
    },
    minute,
  );

  test(
    "nor who has a valid certificate of another CA, which the client trusts",
    async () => {
      const certificates = await makeCertificates(cafe, "other-ca");
      const caPem = await cafe.mustRun(`cat ${certificates.ca}`);
      await client.mustRun("cat > /usr/local/share/ca-certificates/other.crt && update-ca-certificates", {
        input: caPem,
      });
      const said = await pasteThrough({ way: "answers", certificates, script: evil() });
      expect(said).toMatch(otherKey);
    },
    minute,
  );

  test(
    "nor who relays what the server says, with a line of his own before it",
    async () => {
      const certificates = await makeCertificates(cafe, "relay");
      expect(await pasteThrough({ way: "relays", certificates, script: evil() })).toMatch(otherKey);
    },
    minute,
  );

  test(
    "nor another dozo of the same name",
    async () => {
      await startDozo(cafe, {
        arguments: ["--listen", `${cafe.address}:${port}`, "--host", serverName],
        password: "other",
      });
      expect(await pasteAt(cafe.address)).toMatch(otherKey);
    },
    minute,
  );

  test(
    "nor who lets the server's own answer through and cuts it off, wherever that is",
    async () => {
      const url = `https://${serverName}:${port}/enroll.sh`;
      const sizeBytes = (await lan.server.mustRun(`curl -sk ${url}`)).length;
      for (const afterBytes of [1, 1000, 4000, sizeBytes / 2, sizeBytes - 1000, sizeBytes, sizeBytes + 1000])
        expect(await pasteThrough({ way: "cuts", afterBytes: Math.floor(afterBytes) })).toMatch(/Nothing was run/);
    },
    minute,
  );

  test(
    "when nobody is between them the same line works",
    async () => {
      await client.mustRun(`sed -i 's/^[0-9.]* ${serverName} /${lan.server.address} ${serverName} /' /etc/hosts`);
      const before = await readEverything(client, [ann]);
      await client.mustRun(dozo.banner.enrolmentLine ?? "false", { as: ann });
      expect((await readEverything(client, [ann])).size).toBeGreaterThan(before.size);
    },
    minute,
  );
});
