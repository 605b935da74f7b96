import type { Finding } from "../diagnosis/finding.ts";
import type { Output } from "./output.ts";

/** Findings for a person: what is wrong, why, and what mends it. */
export function printFindings(output: Output, findings: readonly Finding[]): void {
  findings.forEach(({ severity, what, why, fix }, index) => {
    if (index > 0) output.print("");
    output.print(`${severity}: ${what}`);
    output.print(`  why  ${why}`);
    output.print(`  fix  ${fix}`);
  });
}
