import { styleText } from "node:util";
import type { Finding } from "../diagnosis/finding.ts";
import type { Output } from "./output.ts";

/** Findings for a person: what is wrong, why, and what mends it; in colour where somebody reads along and wants it (NO_COLOR). */
export function printFindings(output: Output, findings: readonly Finding[]): void {
  const isColoured = output.isTerminal && (process.env["NO_COLOR"] ?? "") === "";
  const style = (format: "red" | "yellow" | "bold", text: string): string =>
    isColoured ? styleText(format, text, { validateStream: false }) : text;
  findings.forEach(({ severity, what, why, fix }, index) => {
    if (index > 0) output.print("");
    output.print(`${style(severity === "error" ? "red" : "yellow", `${severity}:`)} ${style("bold", what)}`);
    output.print(`  why  ${why}`);
    output.print(`  fix  ${fix}`);
  });
}
