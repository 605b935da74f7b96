import type { Finding } from "./finding.ts";
import { shellWord } from "./shell-word.ts";

// What is wrong with the certificate that a registry shows. `whose` says where it was seen: a registry, or a file.

/** SAN mismatch. */
export function certificateForOtherNames({
  name,
  names,
}: Readonly<{ name: string; names: readonly string[] }>): Finding {
  const shown = names.length > 6 ? `${names.slice(0, 6).join(", ")} and ${names.length - 6} more` : names.join(", ");
  return {
    id: "name-not-in-certificate",
    severity: "error",
    what: `The certificate is not for ${name} but for ${shown}.`,
    why: `Every client compares the name that it was given ("certificate is valid for …, not ${name}").`,
    fix: `on the server: dozo cert add-name ${name}`,
  };
}

/** A certificate whose only name is its common name. */
export function certificateWithoutNames({ whose }: { readonly whose: string }): Finding {
  return {
    id: "certificate-without-names",
    severity: "error",
    what: `The certificate of ${whose} has no subject alternative names.`,
    why: 'Clients have not looked at the common name since 2020 ("relies on legacy Common Name field").',
    fix: "have it issued again with every name as a subject alternative name",
  };
}

/** Its time is over. */
export function certificateExpired({ whose, endedOn, today, isOwn }: Ended): Finding {
  return {
    id: "certificate-expired",
    severity: "error",
    what: `The certificate of ${whose} ended on ${endedOn}, and this machine's clock says ${today}.`,
    why: 'Every client refuses it ("certificate has expired or is not yet valid").',
    fix: isOwn
      ? "if the clock is right, on the server: dozo cert renew"
      : "if the clock is right, put a new certificate in its place",
  };
}

/** Its time has not begun. */
export function certificateNotYetValid({
  whose,
  beginsOn,
  today,
}: Readonly<Record<"whose" | "beginsOn" | "today", string>>): Finding {
  return {
    id: "certificate-not-yet-valid",
    severity: "error",
    what: `The certificate of ${whose} begins on ${beginsOn}, and this machine's clock says ${today}.`,
    why: "One of the two clocks is wrong; clients refuse the certificate until the day comes.",
    fix: "timedatectl set-ntp true, on the machine whose clock is wrong (date -u shows it)",
  };
}

/** It ends soon and nothing renews it. */
export function certificateEndsSoon({
  whose,
  endsOn,
  isOwn,
}: Readonly<{ whose: string; endsOn: string; isOwn: boolean }>): Finding {
  return {
    id: "certificate-ends-soon",
    severity: "warning",
    what: `The certificate of ${whose} ends on ${endsOn}.`,
    why: isOwn
      ? "Dozo renews it a month before, so the renewal has failed."
      : "From that day on every client refuses it.",
    fix: isOwn ? "dozo cert renew" : "put a new certificate in its place in time",
  };
}

/** A file that should hold a certificate or key holds none. */
export function certificateUnreadable({ file, reason }: { readonly file: string; readonly reason: string }): Finding {
  return {
    id: "certificate-unreadable",
    severity: "error",
    what: `${file} cannot be used (${reason}).`,
    why: "Without it the listener that it belongs to cannot start.",
    fix: `openssl x509 -in ${shellWord(file)} -noout -text shows what is in it; it has to be PEM, and readable for dozo`,
  };
}

/** The chain leads to nobody that the given CA knows: somebody else answers, mostly a proxy that looks inside TLS. */
export function strangeIssuer({ registry, issuer }: { readonly registry: string; readonly issuer: string }): Finding {
  return {
    id: "strange-issuer",
    severity: "error",
    what: `The certificate that this machine sees at ${registry} was signed by ${issuer}, not by the registry's CA.`,
    why: "Another server answers, or a proxy on the way opens TLS and reads along.",
    fix: `openssl s_client -connect ${registry} -showcerts shows the certificate; compare with: dozo ca show, on the server`,
  };
}

interface Ended {
  readonly whose: string;
  readonly endedOn: string;
  readonly today: string;
  /** dozo made it. */
  readonly isOwn: boolean;
}
