import { Command } from "commander";
import type { CertificateAdministration, CertificateSummary } from "../core/certificate-administration.ts";
import { plainFingerprint } from "../pki/certificate.ts";
import { onCertificates } from "./administration.ts";
import { certIssueCommand } from "./cert-issue.ts";
import { certListCommand } from "./cert-list.ts";
import { certRevokeCommand } from "./cert-revoke.ts";
import type { CommandContext } from "./command-context.ts";
import { examples } from "./examples.ts";
import { formatDay, isoDate, printJson } from "./output.ts";
import { addFolderOptions } from "./setting-options.ts";

type Options = Readonly<Record<string, unknown>>;
type Work = (certificates: CertificateAdministration) => Promise<CertificateSummary>;

/** `dozo cert`: the server's certificate and those of clients, while the server runs and while it does not. */
export function certCommand(context: CommandContext): Command {
  const cert = new Command("cert").description(
    "Show and renew the server's certificate, add names to it; issue and revoke those of clients.",
  );
  cert.addHelpText(
    "before",
    examples("dozo cert show", "dozo cert add-name registry.local", "dozo cert issue --client maria"),
  );
  cert.addCommand(
    folderCommand("show", "Show the certificate: its names, its dates, the pin of its key.")
      .addHelpText("before", examples("dozo cert show", "dozo cert show --json"))
      .action((options: Options) => run(context, options, undefined, (certificates) => certificates.show())),
  );
  cert.addCommand(
    folderCommand("renew", "Make another certificate now, of the same key. It renews itself in time without this.")
      .addHelpText("before", examples("dozo cert renew"))
      .action((options: Options) => run(context, options, "renewed", (certificates) => certificates.renew())),
  );
  cert.addCommand(
    folderCommand("add-name", "Make the certificate, now and whenever it is renewed, for one more name or address.")
      .argument("<NAME>")
      .addHelpText("before", examples("dozo cert add-name registry.local", "dozo cert add-name 192.168.7.7"))
      .addHelpText("after", `\n${whichNames}`)
      .action((name: string, options: Options) =>
        run(context, options, `added ${name}`, (certificates) => certificates.addName(name)),
      ),
  );
  for (const make of [certIssueCommand, certListCommand, certRevokeCommand]) cert.addCommand(make(context));
  return cert;
}

const whichNames = `The authority may speak for private addresses, for names under .local, .lan, .internal, .test and .home.arpa, and
for what the first start was given: a public name or domain has to be named there (--host NAME, --suffix
DOMAIN), or in a new authority: dozo ca rotate --host NAME.`;

function folderCommand(name: string, description: string): Command {
  return addFolderOptions(new Command(name)).description(description).option("--json", "Print JSON.");
}

async function run(context: CommandContext, options: Options, done: string | undefined, work: Work): Promise<void> {
  const { output } = context;
  const certificate = await onCertificates(context, options, work);
  if (options["json"] === true) printJson(output, jsonCertificate(certificate));
  else for (const line of certificateLines(certificate, done)) output.print(line);
}

function jsonCertificate({ notBefore, notAfter, renewsAt, ...certificate }: CertificateSummary): object {
  const dates = { notBefore: isoDate(notBefore), notAfter: isoDate(notAfter), renewsAt: isoDate(renewsAt) };
  return { ...certificate, fingerprint: plainFingerprint(certificate.fingerprint), ...dates };
}

function certificateLines(certificate: CertificateSummary, done: string | undefined): readonly string[] {
  const { names, addedNames, fingerprint, keyPin, notBefore, notAfter, renewsAt } = certificate;
  const until = `${formatDay(notBefore)} to ${formatDay(notAfter)}; renews itself on ${formatDay(renewsAt)}`;
  return [
    ...(done === undefined ? [] : [done]),
    `names     ${names.join(", ")}`,
    ...(addedNames.length === 0 ? [] : [`added     ${addedNames.join(", ")}`]),
    `valid     ${until}`,
    `SHA-256   ${plainFingerprint(fingerprint)}`,
    `key pin   sha256//${keyPin}`,
  ];
}
