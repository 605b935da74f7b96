/** The time, as a port: what is tested is tested without waiting. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number;
}
