import { isIP } from "node:net";
import { z } from "zod";
import { type ClientUserRule, parseClientUserRule } from "../core/client-user-rule.ts";
import { defaultLimits } from "../core/limits.ts";
import { ldap } from "./ldap.ts";
import { isUserName, userNameRule } from "../core/user-name.ts";
import { oidc } from "./oidc.ts";
import {
  type CertificateFilesSetting,
  isLoopbackListener,
  type ListenerSetting,
  listenerForms,
  parseListener,
} from "./listener.ts";

/** What dozo listens on when nobody says anything else. */
export const defaultListener: ListenerSetting = { address: { host: "0.0.0.0", port: 5000 }, tls: "own" };

const hostName = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;

const certificateFiles = z.strictObject({ certificate: z.string().min(1), key: z.string().min(1) });

const listenerTls = z.union([z.enum(["own", "off"]), certificateFiles]);

const namedCertificate = z
  .union([z.string(), certificateFiles], { error: "has to be CERTIFICATE:KEY, two files, or { certificate, key }" })
  .transform((value, context): CertificateFilesSetting => {
    if (typeof value !== "string") return value;
    const [certificate = "", key = "", ...rest] = value.split(":");
    if (certificate !== "" && key !== "" && rest.length === 0) return { certificate, key };
    context.addIssue({ code: "custom", message: `"${value}" names no two files: write CERTIFICATE:KEY` });
    return z.NEVER;
  });

const listener = z
  .union(
    [
      z.string(),
      z.strictObject({
        address: z.string(),
        tls: listenerTls.optional(),
        clientCertificates: z.literal("required").optional(),
      }),
    ],
    {
      error: `has to be ${listenerForms}, or { address, tls, clientCertificates } with tls own, off or { certificate, key }, and clientCertificates required`,
    },
  )
  .transform((value, context): ListenerSetting => {
    const parsed = parseListener(typeof value === "string" ? value : value.address);
    if (typeof parsed === "string") {
      context.addIssue({ code: "custom", message: parsed });
      return z.NEVER;
    }
    if (typeof value === "string") return parsed;
    const { tls = parsed.tls, clientCertificates } = value;
    const complete = clientCertificates === undefined ? { ...parsed, tls } : { ...parsed, tls, clientCertificates };
    if (complete.clientCertificates === undefined || tls !== "off") return complete;
    context.addIssue({ code: "custom", message: "asks for client certificates, and without TLS there are none" });
    return z.NEVER;
  });

const host = z.string().refine((name) => isIP(name) !== 0 || hostName.test(name), {
  error: (issue) => `"${String(issue.input)}" is neither a host name nor an IP address`,
});

const suffix = z.string().refine((name) => hostName.test(name), {
  error: (issue) => `"${String(issue.input)}" is no domain: write it like example.com`,
});

const network = z.string().superRefine((text, context) => {
  const [address = "", bits, ...rest] = text.split("/");
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const length = bits === undefined ? most : Number(bits);
  if (text === "*" || length === 0) {
    context.addIssue({
      code: "custom",
      message: `"${text}" would let every client name any address: write the address of your proxy, for instance 127.0.0.1/32`,
    });
  } else if (family === 0 || rest.length > 0 || !/^[0-9]+$/.test(bits ?? "0") || length > most) {
    context.addIssue({
      code: "custom",
      message: `"${text}" is no network: write it like 10.0.0.0/8, fd00::/8 or 127.0.0.1`,
    });
  }
});

const clientUser = z
  .union([z.string(), z.strictObject({ match: z.string(), user: z.string(), admin: z.boolean().default(false) })], {
    error: "has to be KIND:PATTERN=USER, or { match: KIND:PATTERN, user, admin }",
  })
  .transform((value, context): ClientUserRule => {
    const rule =
      typeof value === "string"
        ? parseClientUserRule(value)
        : parseClientUserRule(`${value.match}=${value.user}`, value.admin);
    if (typeof rule !== "string") return rule;
    context.addIssue({ code: "custom", message: rule });
    return z.NEVER;
  });

const wholeNumber = (least: number, most: number): z.ZodNumber => z.number().int().min(least).max(most);
const gibibyte = 1024 ** 3;

const limits = z
  .strictObject({
    manifestBytes: wholeNumber(65_536, 64 * 1024 ** 2)
      .default(defaultLimits.manifestBytes)
      .meta({ description: "The largest manifest that is accepted, in bytes." }),
    manifestDescriptors: wholeNumber(16, 1_000_000)
      .default(defaultLimits.manifestDescriptors)
      .meta({ description: "The most blobs and manifests that one manifest may name." }),
    manifestDepth: wholeNumber(8, 1000)
      .default(defaultLimits.manifestDepth)
      .meta({ description: "How deep the JSON of a manifest may be nested." }),
    tagsPerPut: wholeNumber(1, 10_000)
      .default(defaultLimits.tagsPerPut)
      .meta({ description: "The most tags that one push of a manifest may set." }),
    uploadsPerPrincipal: wholeNumber(1, 1_000_000)
      .default(defaultLimits.uploadsPerPrincipal)
      .meta({ description: "The most unfinished uploads that one user may have." }),
    uploadsInAll: wholeNumber(1, 1_000_000)
      .default(defaultLimits.uploadsInAll)
      .meta({ description: "The most unfinished uploads that all users together may have." }),
    blobBytes: wholeNumber(1024 ** 2, Number.MAX_SAFE_INTEGER)
      .default(defaultLimits.blobBytes)
      .meta({ description: "The largest blob that is accepted, in bytes." }),
    pageEntries: wholeNumber(1, 100_000)
      .default(defaultLimits.pageEntries)
      .meta({ description: "The most entries in one answer of the tags list and the catalog." }),
    referrersPageBytes: wholeNumber(65_536, 64 * 1024 ** 2)
      .default(defaultLimits.referrersPageBytes)
      .meta({ description: "The largest answer of the referrers list, in bytes; what is beyond is on the next page." }),
    uploadIdleMs: wholeNumber(60_000, 365 * 86_400_000)
      .default(defaultLimits.uploadIdleMs)
      .meta({ description: "An upload that nobody has touched for so many milliseconds is removed." }),
    sparseIndexes: z
      .boolean()
      .default(defaultLimits.sparseIndexes)
      .meta({ description: "Whether an index may name manifests that the repository does not have." }),
    sparseImages: z
      .boolean()
      .default(defaultLimits.sparseImages)
      .meta({ description: "Whether an image may name blobs that the repository does not have." }),
  })
  .meta({ description: "Bounds on what a client may send." });

const acmeName = z.string().refine((name) => hostName.test(name.replace(/^\*\./, "")) && isIP(name) === 0, {
  error: (issue) =>
    `"${String(issue.input)}" is no name that ACME can be asked for: write it like registry.example.com`,
});

const acmeListener = z
  .string()
  .default("0.0.0.0:80")
  .transform((text, context) => {
    const parsed = parseListener(text);
    if (typeof parsed !== "string" && "host" in parsed.address && !text.includes("//")) return parsed.address;
    context.addIssue({ code: "custom", message: `"${text}" is not HOST:PORT` });
    return z.NEVER;
  });

const acme = z
  .strictObject({
    names: z.array(acmeName).max(100).default([]).meta({
      description:
        "Names for which a public certificate is asked for by ACME (Let's Encrypt), renewed in time, and shown to clients that ask for one of them.",
      placeholder: "NAME",
      flag: "acme-name",
    }),
    acceptTerms: z.boolean().default(false).meta({
      description: "Accept the terms of service of the certificate authority; without it nothing is asked for.",
    }),
    email: z
      .email({ error: (issue) => `"${String(issue.input)}" is no address for mail` })
      .optional()
      .meta({
        description: "Where the certificate authority may write to.",
        defaultText: "none",
        placeholder: "ADDRESS",
      }),
    directory: z
      .url({ protocol: /^https$/, error: (issue) => `"${String(issue.input)}" is no https:// address` })
      .default("https://acme-v02.api.letsencrypt.org/directory")
      .meta({ description: "The certificate authority's ACME directory.", placeholder: "URL" }),
    directoryCa: z.string().min(1).optional().meta({
      description: "A PEM file with the CA of the directory itself, where that is a company's own.",
      defaultText: "the usual authorities",
      placeholder: "FILE",
    }),
    httpListen: acmeListener.meta({
      description:
        "Where the proofs over port 80 (http-01) are answered; everything else there is sent on to https. Not opened with acme.dnsHook.",
      placeholder: "HOST:PORT",
    }),
    dnsHook: z.string().min(1).optional().meta({
      description:
        "A program that proves names by DNS (dns-01) instead: it is run as PROGRAM set RECORD VALUE, and with remove afterwards.",
      defaultText: "none",
      placeholder: "PROGRAM",
    }),
  })
  .superRefine(({ names, acceptTerms, dnsHook }, context) => {
    if (names.length === 0) return;
    if (!acceptTerms)
      context.addIssue({
        code: "custom",
        path: ["names"],
        message:
          "needs the terms of service of the certificate authority to be accepted: read them (https://letsencrypt.org/repository/), then add --acme-accept-terms",
      });
    const wildcard = names.find((name) => name.startsWith("*."));
    if (wildcard !== undefined && dnsHook === undefined)
      context.addIssue({
        code: "custom",
        path: ["names"],
        message: `has ${wildcard}, and a wildcard can be proved by DNS only: set acme.dnsHook`,
      });
  })
  .meta({ description: "A public certificate by ACME." });

/**
 * Every setting there is: its form, its default and a sentence. Flags, environment and the YAML file are all
 * checked against this, and the reference page is generated from it.
 */
export const settingsSchema = z
  .strictObject({
    data: z.string().min(1).meta({
      description: "The folder that holds everything: database, blobs, certificates.",
      defaultText: "`dozo` under the XDG data home; `/var/lib/dozo` for root",
      placeholder: "DIR",
      flag: "data",
    }),
    listen: z
      .array(listener)
      .min(1)
      .default([defaultListener])
      .meta({
        description: `Where to listen: ${listenerForms}; in the file also { address, tls: own | off | { certificate, key }, clientCertificates: required }. mtls:// is TLS that demands a client certificate.`,
        defaultText: "`0.0.0.0:5000`; the very first start takes the next free port when that one is taken",
        placeholder: "ADDRESS",
        flag: "listen",
      }),
    certificates: z.array(namedCertificate).default([]).meta({
      description:
        "More certificates, each shown to clients that ask for a name in it: PEM files, read again when they change; in the file also { certificate, key }.",
      placeholder: "CERTIFICATE:KEY",
      flag: "certificate",
    }),
    hosts: z.array(host).default([]).meta({
      description: "More names and addresses that clients use for this machine; the certificate is made for them too.",
      placeholder: "NAME",
      flag: "host",
    }),
    suffixes: z.array(suffix).default([]).meta({
      description: "More domains that dozo's certificate authority may speak for, chosen at the first start.",
      placeholder: "DOMAIN",
      flag: "suffix",
    }),
    user: z
      .string()
      .refine(isUserName, { error: (issue) => `"${String(issue.input)}" is no user name: ${userNameRule}` })
      .default("admin")
      .meta({ description: "The name of the first user, who is admin.", placeholder: "NAME", flag: "user" }),
    htpasswd: z.string().min(1).optional().meta({
      description: "An htpasswd file whose users may log in too; it is read again when it changes.",
      defaultText: "none",
      placeholder: "FILE",
      flag: "htpasswd",
    }),
    clientCa: z.string().min(1).optional().meta({
      description:
        "A file with an authority of your own (PEM), whose client certificates are accepted where clientUsers has a rule for them.",
      defaultText: "none; dozo's own client authority is always accepted",
      placeholder: "FILE",
    }),
    clientUsers: z.array(clientUser).default([]).meta({
      description:
        "Which user a certificate of clientCa stands for: KIND:PATTERN=USER, KIND being subject, cn, dns, email or uri; the first that fits counts. In the file also { match: KIND:PATTERN, user: USER, admin: true }, without which it is never an admin.",
      placeholder: "RULE",
      flag: "client-user",
    }),
    challenge: z.enum(["auto", "basic", "bearer"]).default("auto").meta({
      description:
        "Which credentials clients are asked for; both kinds are always taken. auto: Basic, and Bearer tokens as soon as a rule opens something to those who are not logged in.",
      placeholder: "KIND",
    }),
    trustedProxies: z.array(network).default([]).meta({
      description: "Networks of the proxies in front whose X-Forwarded-For is believed.",
      placeholder: "CIDR",
      flag: "trusted-proxy",
    }),
    insecurePlainHttp: z.boolean().default(false).meta({
      description:
        "Allow listeners without TLS that other machines can reach. Whoever is on the way reads every password and changes every image.",
      flag: "insecure-plain-http",
    }),
    minFreeBytes: wholeNumber(0, Number.MAX_SAFE_INTEGER)
      .default(gibibyte)
      .meta({ description: "Pushes are refused when less than this many bytes of the disk are free." }),
    minFreeShare: z
      .number()
      .min(0)
      .max(0.9)
      .default(0.05)
      .meta({ description: "Pushes are refused when less than this share of the disk is free." }),
    uploadSilenceSeconds: wholeNumber(5, 3600)
      .default(60)
      .meta({ description: "A client that sends nothing for so long while it uploads is cut off; it may resume." }),
    stopGraceSeconds: wholeNumber(0, 3600)
      .default(30)
      .meta({ description: "How long requests in flight may go on after Ctrl-C or SIGTERM." }),
    logLevel: z
      .enum(["debug", "info", "warn", "error"])
      .default("info")
      .meta({ description: "The least important log lines that are written.", placeholder: "LEVEL" }),
    logFormat: z.enum(["text", "json"]).default("text").meta({
      description: "How log lines look.",
      placeholder: "FORMAT",
    }),
    auditDays: wholeNumber(1, 3650)
      .default(90)
      .meta({ description: "How many days the record of pulls, pushes, logins, refusals and changes is kept." }),
    auditMaxBytes: wholeNumber(16 * 1024 ** 2, Number.MAX_SAFE_INTEGER)
      .default(gibibyte)
      .meta({
        description:
          "What the record may take on the disk, in bytes; pulls are dropped first, refusals and changes last.",
      }),
    auditFile: z.string().min(1).optional().meta({
      description: "A file that the record is written to besides, as JSON lines; - is standard output.",
      defaultText: "none",
      placeholder: "FILE",
    }),
    trashDays: wholeNumber(0, 3650).default(14).meta({
      description:
        "How many days what was deleted can be had back, and what has lost its last tag can still be pulled by its digest.",
    }),
    keepReferrers: z.boolean().default(false).meta({
      description:
        "Whether signatures and whatever else is about an image stay when it is deleted; without it they go along, and come back with it.",
    }),
    gcMinutes: wholeNumber(1, 7 * 24 * 60)
      .default(10)
      .meta({ description: "Every so many minutes what nobody needs any more is taken away." }),
    scrubDays: wholeNumber(1, 365)
      .default(7)
      .meta({ description: "In so many days everything that is stored is read once and compared with its digest." }),
    scrubBytesPerSecond: wholeNumber(64 * 1024, Number.MAX_SAFE_INTEGER)
      .default(20 * 1024 ** 2)
      .meta({ description: "How fast that reading may be, in bytes a second." }),
    acme: acme.prefault({}),
    ldap: ldap.prefault({}),
    oidc: oidc.prefault({}),
    limits: limits.prefault({}),
  })
  .superRefine((settings, context) => {
    if (settings.clientUsers.length > 0 && settings.clientCa === undefined)
      context.addIssue({
        code: "custom",
        path: ["clientUsers"],
        message: "is for certificates of clientCa, which is not set",
      });
    if (settings.insecurePlainHttp) return;
    for (const [index, each] of settings.listen.entries()) {
      if (each.tls !== "off" || isLoopbackListener(each)) continue;
      context.addIssue({
        code: "custom",
        path: ["listen", index],
        message:
          "would let other machines speak without TLS, so that whoever is on the way reads every password; leave out http://, or add --insecure-plain-http to accept that",
      });
    }
  });

/** The settings a process runs with: checked and complete. */
export type Settings = z.output<typeof settingsSchema>;
