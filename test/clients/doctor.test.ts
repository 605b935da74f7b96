import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { dozoProgram, type RunningDozo, startDozo } from "./dozo.ts";
import { Lan, type Machine, serverName } from "./machine.ts";
import { goodDirectives, type Site, startSites } from "./nginx.ts";

const minute = 60_000;
const password = "known to the doctor";

interface Diagnosis {
  readonly isHealthy: boolean;
  readonly findings: readonly { readonly id: string; readonly what: string; readonly fix: string }[];
}

/** What `dozo doctor … --json` said on a machine, with its exit code. */
async function ask(
  machine: Machine,
  words: string,
): Promise<{ readonly ids: readonly string[]; readonly code: number }> {
  const { exitCode, stdout, output } = await machine.run(`${dozoProgram} doctor ${words} --json`, { input: password });
  if (!stdout.startsWith("{")) throw new Error(output);
  const { findings } = JSON.parse(stdout) as Diagnosis;
  return { ids: findings.map(({ id }) => id), code: exitCode };
}

const withLogin = "--user admin --password-stdin";
const healthy = { ids: [], code: 0 };

describe("dozo doctor where all is well", () => {
  let lan: Lan;
  let client: Machine;
  let dozo: RunningDozo;

  beforeAll(async () => {
    lan = await Lan.build();
    client = await lan.addClient("laptop");
    dozo = await startDozo(lan.server, { password });
  }, minute);

  afterAll(async () => {
    await lan?.shutDown();
  }, minute);

  test(
    "a client that nobody enrolled hears what is missing; enrolled, it hears of nothing, uploads of 128 MiB included",
    async () => {
      const { registry, enrolmentLine } = dozo.banner;
      const before = await ask(client, registry);
      expect(before.code).toBe(1);
      expect(before.ids).toContain("unknown-authority");

      await client.mustRun(`${enrolmentLine} --user admin --password-stdin`, { input: `${password}\n` });

      expect(await ask(client, `${registry} ${withLogin} --large-upload`)).toEqual(healthy);
    },
    minute,
  );

  test("the server hears of nothing, and another process on its port is named", async () => {
    expect(await ask(lan.server, withLogin)).toEqual(healthy);

    await dozo.program.stop();
    const port = dozo.banner.registry.split(":")[1] ?? "";
    const squatter = lan.server.start(["openssl", "s_server", "-port", port, "-nocert"]);
    await lan.server.mustRun(`until ss -ltn | grep -q ':${port} '; do :; done`);
    const { ids } = await ask(lan.server, "");
    await squatter.stop();

    expect(ids).toEqual(["port-taken", "server-stopped"]);
  });

  test("a disk that is full is seen, on a file system of 16 MiB", async () => {
    await lan.server.mustRun(
      "mkdir /var/lib/dozo/small && mount -t tmpfs -o size=16m,mode=700 tmpfs /var/lib/dozo/small && touch /var/lib/dozo/small/dozo.lock",
    );

    const { ids, code } = await ask(lan.server, "--data /var/lib/dozo/small");

    expect(code).toBe(1);
    expect(ids).toContain("disk-full");
    expect(ids).toContain("data-folder-risky");
  });
});

describe("dozo doctor, through an nginx", () => {
  let lan: Lan;
  let client: Machine;

  const upstream = "http://127.0.0.1:5080";
  const good = goodDirectives(upstream);
  const faults: readonly (Site & { readonly what: string; readonly ids: readonly string[] })[] = [
    { what: "that is as it should be", port: 8443, directives: good, ids: [] },
    {
      what: "with the usual limit for bodies",
      port: 8444,
      directives: good.replace("client_max_body_size 0", "client_max_body_size 1m"),
      ids: ["proxy-body-limit"],
    },
    {
      what: "that takes not even 64 KiB",
      port: 8445,
      directives: good.replace("client_max_body_size 0", "client_max_body_size 4k"),
      ids: ["proxy-body-limit", "proxy-body-limit"],
    },
    {
      what: "that collects uploads",
      port: 8446,
      directives: good.replace("proxy_request_buffering off", "proxy_request_buffering on"),
      ids: ["proxy-buffers-requests"],
    },
    {
      what: "that writes its own Location",
      port: 8447,
      directives: `${good}\n      proxy_redirect / http://127.0.0.1:5080/;`,
      ids: ["proxy-changes-location"],
    },
    {
      what: "that asks for a login of its own",
      port: 8448,
      directives: `${good}\n      auth_basic "Staff";\n      auth_basic_user_file /dev/null;`,
      ids: ["proxy-changes-challenge"],
    },
    {
      what: "that takes ranges away",
      port: 8449,
      directives: `${good}\n      proxy_set_header Range "";\n      max_ranges 0;`,
      ids: ["proxy-ignores-range"],
    },
    {
      what: "that does not reach the registry",
      port: 8450,
      directives: good.replace(upstream, "http://127.0.0.1:1"),
      ids: ["registry-fails"],
    },
    { what: "that serves something else", port: 8451, directives: "return 200 hello;", ids: ["not-a-registry"] },
    { what: "without TLS", port: 8452, tls: "off", directives: good, ids: ["plain-http"] },
  ];

  beforeAll(async () => {
    lan = await Lan.build();
    client = await lan.addClient("laptop");
    await startDozo(lan.server, { arguments: ["--listen", upstream, "--trusted-proxy", "127.0.0.1/32"], password });
    const { caPem } = await startSites(lan.server, faults);
    await client.mustRun(
      `cat >> /etc/ssl/certs/ca-certificates.crt && echo '${lan.server.address} wrong.dozo.test' >> /etc/hosts`,
      { input: caPem },
    );
    const registries = [
      ...faults.map(({ port }) => `${serverName}:${port}`),
      "wrong.dozo.test:8443",
      `${serverName}:9`,
    ];
    const auths = Object.fromEntries(registries.map((registry) => [registry, {}]));
    await client.mustRun("mkdir -p ~/.docker && cat > ~/.docker/config.json", { input: JSON.stringify({ auths }) });
  }, minute);

  afterAll(async () => {
    await lan?.shutDown();
  }, minute);

  test.each(faults)("$what", async ({ port, ids }) => {
    expect(await ask(client, `${serverName}:${port} ${withLogin}`)).toEqual({
      ids,
      code: ids.every((id) => id === "proxy-buffers-requests" || id === "proxy-ignores-range") ? 0 : 1,
    });
  });

  test("by a name that its certificate does not have", async () => {
    expect(await ask(client, "wrong.dozo.test:8443")).toEqual({ ids: ["name-not-in-certificate"], code: 1 });
  });

  test("on a port that is closed, and by a name that nobody knows", async () => {
    expect(await ask(client, `${serverName}:9`)).toEqual({ ids: ["port-closed"], code: 1 });
    expect((await ask(client, "nobody.dozo.test")).ids).toContain("name-unknown");
  });

  test("with a wrong password", async () => {
    const words = `${serverName}:8443 --user nobody --password-stdin`;

    expect((await ask(client, words)).ids).toEqual(["login-refused"]);
  });
});
