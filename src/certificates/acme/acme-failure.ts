import type { ChallengeType, OrderFailure } from "./acme-messages.ts";

/** What the words about a failure need besides it. */
export interface FailureFacts {
  readonly directory: string;
  readonly challengeType: ChallengeType;
}

/** What failed, why, and what mends it, in that order. */
export function explainFailure(failure: OrderFailure, facts: FailureFacts): string {
  return `${whatFailed(failure, facts)}: ${oneLine(failure.message)}. ${remedy(failure, facts)}`;
}

function whatFailed({ step, name }: OrderFailure, { directory, challengeType }: FailureFacts): string {
  if (step === "directory") return `the certificate authority at ${directory} could not be reached`;
  if (step === "account") return "the certificate authority refused the account";
  if (step === "order") return "the certificate authority refused the order";
  if (step === "certificate") return "the certificate authority did not hand the certificate out";
  return `the certificate authority could not see by ${challengeType} that ${name ?? "a name"} is ours`;
}

function remedy(failure: OrderFailure, facts: FailureFacts): string {
  const { step, problem } = failure;
  const known = problem === undefined ? undefined : problemRemedy(problem, failure, facts);
  if (known !== undefined) return known;
  if (step === "directory") return directoryRemedy(failure);
  if (step === "challenge") return challengeRemedy(failure, facts);
  return "If it lasts, look at the authority's status page.";
}

/** RFC 8555 section 6.7. */
function problemRemedy(problem: string, failure: OrderFailure, facts: FailureFacts): string | undefined {
  const name = failure.name ?? "the name";
  if (problem === "rateLimited")
    return "Its limit is respected; until then the staging directory can be used for trying (docs/how-to/lets-encrypt.md).";
  if (problem === "caa") return `A CAA record of ${name} names another authority: add one for this one, or remove it.`;
  if (problem === "dns" && facts.challengeType === "http-01")
    return `Make an A or AAAA record that leads ${name} to this machine; look with: dig +short ${name}`;
  if (problem === "rejectedIdentifier") return "It signs no certificate for this name: take it out of acme.names.";
  if (problem === "unsupportedIdentifier") return "Take the name out of acme.names.";
  if (problem === "invalidContact" || problem === "unsupportedContact")
    return "Set acme.email to an address that exists, or leave it out.";
  if (problem === "externalAccountRequired")
    return "This authority wants an account made elsewhere, which dozo does not do: choose another acme.directory.";
  if (problem === "userActionRequired") return "Its terms have changed: read them at the address it names.";
  return undefined;
}

function directoryRemedy({ message }: OrderFailure): string {
  if (/certificate|issuer|self.signed|UNABLE_TO/i.test(message))
    return "If it is your own authority, name the file of its CA in acme.directoryCa.";
  return "Look at acme.directory, and whether this machine may speak to the world outside (a proxy: HTTPS_PROXY).";
}

function challengeRemedy({ name = "the name", message }: OrderFailure, { challengeType }: FailureFacts): string {
  if (/it offers /.test(message)) {
    return challengeType === "http-01"
      ? "For this name it wants DNS: set acme.dnsHook."
      : "Leave out acme.dnsHook, so that the proof goes over port 80.";
  }
  if (challengeType === "http-01")
    return `It has to reach http://${name}/.well-known/acme-challenge/ on port 80 from outside, and no other server may answer there: look at the DNS record, the router and the firewall, or set acme.dnsHook.`;
  return `The program of acme.dnsHook has to make the TXT record _acme-challenge.${name} and to wait until it can be seen: dig +short TXT _acme-challenge.${name}`;
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, " ").replace(/\.$/, "").slice(0, 500);
}
