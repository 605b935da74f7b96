/** The pinned versions of the programs that tests run beside dozo; `.ci/run` reads them from this file. */
export const conformanceVersion = "v0.0.0-20260831232431-97274622c111";

/** distribution, the registry that dozo is measured against. */
export const distributionVersion = "v3.1.1";

/** Docker Engine 29, as its Go module is tagged. */
export const engineVersion = "v2.0.0-beta.24";

/** containerd, which Docker Engine 29 keeps its images in. */
export const containerdVersion = "v2.4.2";

/** Pebble, the ACME authority for tests, and the name server that belongs to it. */
export const pebbleVersion = "v2.10.1";
