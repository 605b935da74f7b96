import type { CertificateName } from "./client-certificate.ts";

/** Which certificates of an authority that the operator gave stand for which user. */
export interface ClientUserRule {
  readonly kind: CertificateName["kind"];
  /** `*` stands for one character or more, but not for the kind's separator: a dot of a DNS name, an `@`, a slash of a URI. */
  readonly pattern: string;
  /** A user of dozo's own; `*` is what the pattern's `*` stood for. */
  readonly user: string;
  /** Without it a certificate that leads to an admin is refused. */
  readonly mayBeAdmin: boolean;
}

const ruleForm = /^(subject|cn|dns|email|uri):(.+)=([A-Za-z0-9][A-Za-z0-9._@-]{0,63}|\*)$/;

/** Any character, except the separator of the kind. */
const wildcards: Readonly<Record<CertificateName["kind"], string>> = {
  subject: "[^,+]+",
  cn: ".+",
  dns: "[^.]+",
  email: "[^@]+",
  uri: "[^/]+",
};

/** Reads `KIND:PATTERN=USER`; answers what is wrong with the text instead where it is none. */
export function parseClientUserRule(text: string, mayBeAdmin = false): ClientUserRule | string {
  const match = ruleForm.exec(text);
  if (match === null)
    return `"${text}" is no rule: write it like email:*@example.com=*, with subject, cn, dns, email or uri in front, and a user or * behind`;
  const [, kind, pattern = "", user = ""] = match;
  const stars = pattern.split("*").length - 1;
  if (user === "*" && stars !== 1) return `"${text}" needs exactly one * in its pattern, since its user is *`;
  return { kind: kind as ClientUserRule["kind"], pattern, user, mayBeAdmin };
}

/** The first rule that fits one of the names, and the user it leads to. */
export function findClientUser(
  rules: readonly ClientUserRule[],
  names: readonly CertificateName[],
): { readonly user: string; readonly mayBeAdmin: boolean } | undefined {
  for (const { kind, pattern, user, mayBeAdmin } of rules) {
    const form = patternForm(kind, pattern);
    for (const name of names) {
      const match = name.kind === kind ? form.exec(name.value) : null;
      if (match !== null) return { user: user === "*" ? (match[1] ?? "") : user, mayBeAdmin };
    }
  }
  return undefined;
}

function patternForm(kind: ClientUserRule["kind"], pattern: string): RegExp {
  const text = kind === "dns" || kind === "email" ? pattern.toLowerCase() : pattern;
  const escaped = text.replaceAll(/[\\^$.|?+()[\]{}]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll("*", `(${wildcards[kind]})`)}$`);
}
