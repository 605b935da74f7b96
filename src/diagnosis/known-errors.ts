import { knownCertificateErrors } from "./known-certificate-errors.ts";
import { knownConnectionErrors } from "./known-connection-errors.ts";
import type { KnownError } from "./known-error.ts";
import { knownLoginErrors } from "./known-login-errors.ts";
import { knownSetUpErrors, kubernetesCannotPull } from "./known-set-up-errors.ts";
import { knownTrustErrors } from "./known-trust-errors.ts";

/** Every text that is recognised, the more specific before the more general. */
export const knownErrors: readonly KnownError[] = [
  ...knownSetUpErrors,
  ...knownCertificateErrors,
  ...knownTrustErrors,
  ...knownConnectionErrors,
  ...knownLoginErrors,
  kubernetesCannotPull,
];
