import type { ChallengeSetting } from "../core/challenge-setting.ts";

const beginnings: Readonly<Record<ChallengeSetting, string>> = {
  auto: "Something is open to everybody now: clients are asked for a token (Bearer) from now on, no longer for a password (Basic).",
  basic:
    "Something is open to everybody now; clients are asked for a password (Basic) all the same, as --challenge says.",
  bearer: "Something is open to everybody now; clients are asked for a token (Bearer), as before.",
};

/**
 * What whoever opens something for the first time to those who are not logged in should know: which clients each choice of what
 * the registry asks for breaks.
 */
export function firstOpeningNotes(challenge: ChallengeSetting): readonly string[] {
  return [
    beginnings[challenge],
    "With Bearer these fail where the registry's CA is in /etc/docker/certs.d only: docker build and buildx; push and pull of Docker before 29.5 with the containerd image store (the default since 29.0). They need it in the system's store: the line of dozo enroll with --system-store behind it.",
    "With Basic this fails without a login: docker pull, where Docker has an image store of its own (the default before 29.0, kept by upgrades). podman, skopeo, containerd and Docker with the containerd image store pull.",
    "The setting challenge chooses: dozo up --challenge basic, or bearer, or auto.",
  ];
}
