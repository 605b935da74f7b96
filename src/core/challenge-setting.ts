/** Which kind of credentials clients are asked for; the other kind is taken all the same. */
export type ChallengeSetting = "auto" | "basic" | "bearer";
