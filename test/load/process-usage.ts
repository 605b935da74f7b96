import { readFileSync, readdirSync } from "node:fs";

const ticksPerSecond = 100;

/** Seconds of processor time, user and system, that a process, all its threads and its ended children have used. */
export function cpuSeconds(pid: number): number {
  return treeOf(pid).reduce((sum, member) => sum + cpuTicks(member), 0) / ticksPerSecond;
}

/** Resident memory in bytes of a process and its children. */
export function residentBytes(pid: number): number {
  return treeOf(pid).reduce((sum, member) => sum + statusBytes(member, "VmRSS"), 0);
}

/** The most that a process has ever had resident, in bytes, as the kernel counted it; reset by `resetPeak`. */
export function peakResidentBytes(pid: number): number {
  return statusBytes(pid, "VmHWM");
}

/** How many descriptors a process has open. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Calls `sample` every `everyMs` until `stop`; answers the largest value that was seen. */
export function watchPeak(sample: () => number, everyMs = 100): { stop(): number } {
  let peak = sample();
  const timer = setInterval(() => {
    peak = Math.max(peak, sample());
  }, everyMs);
  return {
    stop() {
      clearInterval(timer);
      peak = Math.max(peak, sample());
      return peak;
    },
  };
}

function treeOf(pid: number): number[] {
  try {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
    return [pid, ...children.flatMap(treeOf)];
  } catch {
    return [];
  }
}

// Fields 14 to 17 of proc(5) stat: utime, stime, cutime, cstime. The command before them may hold spaces.
function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index] ?? 0), 0);
}

function statusBytes(pid: number, field: "VmRSS" | "VmHWM"): number {
  const match = new RegExp(`^${field}:\\s+([0-9]+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "latin1"));
  return Number(match?.[1] ?? 0) * 1024;
}
