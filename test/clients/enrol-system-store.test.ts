import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startDozo, type RunningDozo } from "./dozo.ts";
import { expectSame, readEverything } from "./enrolment.ts";
import { Lan, serverName, type Machine, type Person } from "./machine.ts";

const minute = 60_000;

describe("the line for clients, with the system's own store of certificates", () => {
  let lan: Lan;
  let client: Machine;
  let ann: Person;
  let dozo: RunningDozo;

  beforeAll(async () => {
    lan = await Lan.build();
    client = await lan.addClient("laptop");
    ann = await client.addPerson("ann");
    dozo = await startDozo(lan.server, { password: "chosen by the person" });
    // Other programs' stores (Java's) learn of changes by such a hook.
    const hooks = "/etc/ca-certificates/update.d";
    const hook = `rm -f ${hooks}/* && printf '#!/bin/sh\\ncat >> /run/told\\n' > ${hooks}/record && chmod 755 ${hooks}/record`;
    await client.mustRun(`${hook} && update-ca-certificates --fresh && rm /run/told`);
  }, minute);

  afterAll(async () => {
    await lan?.shutDown();
  }, minute);

  const curl = `curl -s -o /dev/null -w '%{http_code}' https://${serverName}:5000/v2/`;
  const openssl = `openssl s_client -connect ${serverName}:5000 -verify_hostname ${serverName} -verify_return_error </dev/null`;

  test(
    "curl and openssl trust the server, and no longer after --undo, of which other stores are told",
    async () => {
      const asAnn = { as: ann };
      const line = `${dozo.banner.enrolmentLine} --system-store --no-login`;
      expect((await client.run(curl, asAnn)).exitCode).toBe(60);
      expect((await client.run(openssl, asAnn)).exitCode).not.toBe(0);
      const before = await readEverything(client, [ann]);

      await client.mustRun(line, asAnn);
      expect(await client.mustRun(curl, asAnn)).toBe("401");
      expect(await client.mustRun(openssl, asAnn)).toContain("Verify return code: 0 (ok)");

      const enrolled = await readEverything(client, [ann]);
      await client.mustRun(line, asAnn);
      expectSame(enrolled, await readEverything(client, [ann]));

      await client.mustRun(`${line} --undo`, asAnn);
      expectSame(before, await readEverything(client, [ann]));
      expect((await client.run(curl, asAnn)).exitCode).toBe(60);
      const told = (await client.mustRun("cat /run/told")).split("\n").filter((entry) => entry.includes("dozo"));
      expect(told[0]).toStartWith("+/etc/ssl/certs/dozo");
      expect(told).toContain((told[0] ?? "").replace("+", "-"));
    },
    minute,
  );
});
