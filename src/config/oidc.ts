import { z } from "zod";

const text = z.string().min(1);

/** A claim's or a scope's name, as RFC 6749 section 3.3 lets a scope be written. */
const word = z.string().regex(/^[\x21\x23-\x5B\x5D-\x7E]{1,200}$/, {
  error: (issue) => `"${String(issue.input)}" is no name of a claim or a scope`,
});

/** The settings of the company's login by OpenID Connect; `issuer` undefined: there is none. */
export const oidc = z
  .strictObject({
    issuer: z
      .url({ protocol: /^https$/, error: (issue) => `"${String(issue.input)}" is no https:// address` })
      .refine((address) => !/[?#]/.test(address), {
        error: (issue) => `"${String(issue.input)}" has a query or a fragment, and an issuer has none`,
      })
      .optional()
      .meta({
        description:
          "The company's OpenID Connect provider, whose users may log in on the page /login: its issuer, exactly as it writes itself. Its redirect URI for dozo is https://HOST:PORT/login/oidc/callback.",
        defaultText: "none",
        placeholder: "URL",
        flag: "oidc-issuer",
      }),
    clientId: text.optional().meta({
      description: "Under which id the provider knows dozo.",
      defaultText: "none; needed with oidc.issuer",
      placeholder: "ID",
    }),
    clientSecretFile: text.optional().meta({
      description: "The file with the secret that goes with oidc.clientId; it is read again within an hour.",
      defaultText: "none: a client without a secret, by PKCE alone",
      placeholder: "FILE",
    }),
    ca: text.optional().meta({
      description: "A PEM file with the CA of the provider's certificate.",
      defaultText: "the usual authorities",
      placeholder: "FILE",
    }),
    scopes: z.array(word).default(["openid", "profile", "email"]).meta({
      description: "What the provider is asked for; some want another one for groups.",
      defaultText: "`openid`, `profile`, `email`",
      placeholder: "SCOPE",
    }),
    nameClaim: word.default("preferred_username").meta({
      description:
        "The claim with the user's name, which counts at the first login only; email is believed where the provider has verified it.",
      placeholder: "CLAIM",
    }),
    groupsClaim: word.default("groups").meta({
      description: "The claim with the user's groups, for rules about oidc:NAME; they are replaced at each login.",
      placeholder: "CLAIM",
    }),
    requiredGroup: text.optional().meta({
      description: "Only members of this group may log in.",
      defaultText: "none: every user of the provider may",
      placeholder: "NAME",
    }),
  })
  .superRefine(({ issuer, clientId, scopes }, context) => {
    if ((issuer === undefined) !== (clientId === undefined))
      context.addIssue({
        code: "custom",
        path: [issuer === undefined ? "clientId" : "issuer"],
        message: "belongs together with the other of oidc.issuer and oidc.clientId",
      });
    if (!scopes.includes("openid"))
      context.addIssue({ code: "custom", path: ["scopes"], message: "has to have openid among them" });
  })
  .meta({ description: "The company's login, by OpenID Connect." });
