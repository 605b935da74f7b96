/** What a provider says of somebody (OpenID Connect Core section 5.1). */
export interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly [name: string]: unknown;
}

/** Which of it counts. */
export interface ClaimsOptions {
  readonly nameClaim: string;
  readonly groupsClaim: string;
  readonly requiredGroup: string | undefined;
}

/** Somebody whom the provider has logged in, and all groups that it knows them in. */
export interface ProviderLogin {
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  readonly groups: readonly string[];
}

/** A login that cannot be; its message is for the person who tried. */
export class LoginRefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "LoginRefusedError";
  }
}

const mostGroups = 500;
const mostGroupLength = 256;

/**
 * Throws `LoginRefusedError` where the claims do not say who somebody is, or not beyond doubt which groups they are in: a rule that
 * denies has to hold, too.
 */
export function readClaims(claims: Claims, options: ClaimsOptions): ProviderLogin {
  const { nameClaim, groupsClaim, requiredGroup } = options;
  const name = claims[nameClaim];
  if (typeof name !== "string" || name === "")
    throw new LoginRefusedError(`the provider did not say your name (${nameClaim}): ask an admin of this registry`);
  if (nameClaim === "email" && claims["email_verified"] !== true)
    throw new LoginRefusedError("the provider has not verified your address for mail");
  const groups = groupsOf(claims, groupsClaim);
  if (requiredGroup !== undefined && !groups.includes(requiredGroup))
    throw new LoginRefusedError(`only members of ${requiredGroup} may log in here`);
  return { issuer: claims.iss, subject: claims.sub, name, groups };
}

function groupsOf(claims: Claims, groupsClaim: string): readonly string[] {
  const value = claims[groupsClaim];
  if (value === undefined || value === null) {
    // OpenID Connect Core section 5.6.2: they are elsewhere, as Entra ID says of somebody with very many.
    const elsewhere = claims["_claim_names"];
    if (typeof elsewhere === "object" && elsewhere !== null && Object.hasOwn(elsewhere, groupsClaim))
      throw new LoginRefusedError("you are in more groups than the provider tells: ask an admin of this registry");
    return [];
  }
  const groups: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (groups.length > mostGroups || !groups.every(isGroup))
    throw new LoginRefusedError(`the provider's list of your groups (${groupsClaim}) cannot be read`);
  return [...new Set(groups)];
}

function isGroup(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= mostGroupLength && !/\p{Cc}/u.test(value);
}
