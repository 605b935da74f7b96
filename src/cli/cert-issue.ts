import { resolve } from "node:path";
import { Command } from "commander";
import type { RegistryStatus } from "../core/administration.ts";
import { makeDockerDaemonFiles } from "../pki/docker-daemon.ts";
import { createServerKey } from "../pki/certificate-authority.ts";
import { readTrust } from "../pki/open.ts";
import { publicKeyPemOf } from "../pki/signing.ts";
import { parseSubjectName } from "../pki/subject-name.ts";
import { openDataFolder } from "../process/data-folder.ts";
import { writeNewFolder } from "../process/new-folder.ts";
import { PkiFolder } from "../process/pki-folder.ts";
import { onRegistry } from "./administration.ts";
import { type CommandContext, folderSettings, UsageError } from "./command-context.ts";
import { examples } from "./examples.ts";
import { formatDay, isoDate, printJson } from "./output.ts";
import { addFolderOptions } from "./setting-options.ts";

type Options = Readonly<Record<string, unknown>>;

const dayMs = 86_400_000;
const clientDays = 90;
const daemonDays = 365;
/** Beyond it Apple's clients refuse a server's certificate, and nobody remembers what a client's was for. */
const mostDays = 825;

/** `dozo cert issue`: files for a client of this registry, or for a Docker daemon that listens on TCP. */
export function certIssueCommand(context: CommandContext): Command {
  return addFolderOptions(new Command("issue"))
    .description("Make the files for a client with a certificate, or for a Docker daemon on TCP.")
    .option("--client <NAME>", "A client certificate for this user: client.cert, client.key and ca.crt.")
    .option("--dockerd <HOST>", "What dockerd --tlsverify on HOST and its clients need; more names with a comma.")
    .option("--days <N>", `For how long: 1 to ${mostDays}. (default: ${clientDays}, for a daemon ${daemonDays})`)
    .option("--out <DIR>", "A new folder for the files. (default: NAME-client or HOST-dockerd)")
    .option("--json", "Print JSON.")
    .addHelpText(
      "before",
      examples(
        "dozo cert issue --client maria",
        "dozo cert issue --client ci --days 30 --out ci-certs",
        "dozo cert issue --dockerd build.example.com,10.0.0.7",
      ),
    )
    .action((options: Options) => issue(context, options));
}

async function issue(context: CommandContext, options: Options): Promise<void> {
  const { client, dockerd } = options;
  if (typeof client === "string" && dockerd === undefined) await issueForClient(context, client, options);
  else if (typeof dockerd === "string" && client === undefined) await issueForDaemon(context, dockerd, options);
  else throw new UsageError("say what for: --client or --dockerd", "dozo cert issue --client NAME");
}

async function issueForClient(context: CommandContext, userName: string, options: Options): Promise<void> {
  const { data } = folderSettings(context, options);
  const days = daysOf(options, clientDays);
  const folder = resolve(text(options["out"]) ?? `${userName}-client`);
  // Before anything is issued: root becomes the owner of the data folder, who has to be able to write the files.
  openDataFolder(data);
  // Made here, so that the server never has it.
  const keyPem = await createServerKey();
  const publicKeyPem = publicKeyPemOf(keyPem);
  const caPem = await readTrust(new PkiFolder(`${data}/pki`));
  const issued = await writeNewFolder(folder, () =>
    onRegistry(context, options, async (administration) => {
      const certificate = await administration.issueClientCertificate({ userName, publicKeyPem, days });
      const files = { "client.cert": certificate.pem, "client.key": keyPem };
      const result = { ...certificate, status: await administration.status() };
      return { files: caPem === undefined ? files : { ...files, "ca.crt": caPem }, result };
    }),
  );
  const { serial, endsAt, status } = issued;
  const address = status.clientCertificateAddress;
  const { output } = context;
  if (options["json"] === true) {
    printJson(output, { user: userName, serial, endsAt: isoDate(endsAt), folder, address });
    return;
  }
  output.print(`issued ${serial} for ${userName}, until ${formatDay(endsAt)}: ${folder}`);
  if (address === undefined) output.print(noListener(status));
  output.print("Whoever has client.key is this user. On the client:");
  output.print(`  sudo mkdir -p /etc/docker/certs.d/${address ?? "HOST:PORT"}`);
  output.print(`  sudo cp ${folder}/* /etc/docker/certs.d/${address ?? "HOST:PORT"}/`);
  output.print(`Take it back: dozo cert revoke ${serial}`);
}

function noListener({ pid }: RegistryStatus): string {
  return pid === undefined
    ? "HOST:PORT is the one that dozo status names behind by certificate, as soon as the server runs."
    : "No listener asks for certificates yet: start the server with one more --listen mtls://0.0.0.0:5443; HOST:PORT is that one.";
}

async function issueForDaemon(context: CommandContext, hosts: string, options: Options): Promise<void> {
  const days = daysOf(options, daemonDays);
  const [host = "", ...others] = hosts.split(",").map((each) => each.trim());
  const names = [...new Set([host, ...others, "localhost", "127.0.0.1", "::1"])].map((name) => {
    const parsed = parseSubjectName(name);
    if (parsed !== undefined) return parsed;
    throw new UsageError(`"${name}" is no host name and no address`, "dozo cert issue --dockerd build.example.com");
  });
  const folder = resolve(text(options["out"]) ?? `${host.replaceAll(":", "_")}-dockerd`);
  const now = Date.now();
  const endsAt = now + days * dayMs;
  await writeNewFolder(folder, async () => ({
    files: await makeDockerDaemonFiles({ names, now, endsAt }),
    result: true,
  }));
  const { output } = context;
  if (options["json"] === true) {
    printJson(output, { names: names.map(({ value }) => value), endsAt: isoDate(endsAt), folder });
    return;
  }
  const flags = "--tlsverify --tlscacert=ca.pem --tlscert=server-cert.pem --tlskey=server-key.pem";
  output.print(`made the files for the Docker daemon on ${host}, until ${formatDay(endsAt)}: ${folder}`);
  output.print("Whoever has key.pem is root on that machine.");
  output.print(`  there:   dockerd ${flags} -H tcp://0.0.0.0:2376 -H unix:///var/run/docker.sock`);
  output.print(
    `  clients: DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=${folder} docker -H tcp://${bracketed(host)}:2376 info`,
  );
  output.print("The daemon needs ca.pem, server-cert.pem and server-key.pem; a client ca.pem, cert.pem and key.pem.");
}

function daysOf(options: Options, usual: number): number {
  const days = Number(options["days"] ?? usual);
  if (Number.isInteger(days) && days >= 1 && days <= mostDays) return days;
  throw new UsageError(`--days has to be a whole number from 1 to ${mostDays}`, "leave it out for the usual time");
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
