/**
 * Who was told that a blob or a manifest is there may count on it for so long. What a manifest needs is not leased: the lease
 * begins when the last manifest that names it goes.
 */
export const leaseMs = 24 * 60 * 60 * 1000;

/** A lease is written again when less than this is left of it: so a write comes twice a day, and half a day is always left. */
const leaseRenewalMs = leaseMs / 2;

/** Whether somebody can be told at `now` that something is there without a lease being written first. */
export function isLeased(leasedUntil: number, now: number): boolean {
  return leasedUntil - now >= leaseRenewalMs;
}
