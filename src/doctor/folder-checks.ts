import type { Settings } from "../config/settings.ts";
import type { Finding } from "../diagnosis/finding.ts";
import {
  clockBehind,
  diskFull,
  firstPasswordLeft,
  folderRisky,
  folderUnfit,
  inodesShort,
  modeTooWide,
  wrongOwner,
} from "../diagnosis/server-findings.ts";
import { type Examination, examined } from "./examination.ts";
import type { SeenPath, ServerFacts } from "./server-facts.ts";

const dayMs = 86_400_000;
/** File systems and time zones of other machines may be off by so much. */
const clockToleranceMs = dayMs;
const mebibyte = 1024 ** 2;

/** The data folder: rights, fitness, room, and what its times say of the clock. */
export function checkDataFolder(facts: ServerFacts, settings: Settings, now: number): readonly Examination[] {
  return [
    examined("data folder", facts.folder, [...fitnessFindings(facts), ...rightsFindings(facts)]),
    checkSpace(facts, settings),
    checkClock(facts, now),
    checkFirstPassword(facts.firstPassword, now),
  ];
}

function fitnessFindings({ fitness }: ServerFacts): readonly Finding[] {
  const { failure, warnings } = fitness;
  const unfit = failure === undefined ? [] : [folderUnfit({ what: failure.message, fix: failure.remedy ?? "" })];
  return [...unfit, ...warnings.map((what) => folderRisky({ what }))];
}

/** The folder keeps everybody out, so a wider mode counts only for it and for what could be copied out: keys. */
function rightsFindings({ folder, paths }: ServerFacts): readonly Finding[] {
  const owner = paths.find(({ path }) => path === folder)?.uid ?? 0;
  const foreign = paths.find(({ uid }) => uid !== owner);
  const wide = paths.filter(({ path, mode }) => isSecret(folder, path) && (mode & 0o077) !== 0);
  return [
    ...wide.map(({ path, mode, isFolder }) =>
      modeTooWide({ path, mode: mode.toString(8).padStart(4, "0"), wanted: isFolder ? "700" : "600" }),
    ),
    ...(foreign === undefined ? [] : [wrongOwner({ path: foreign.path, folder, uid: foreign.uid, ownerUid: owner })]),
  ];
}

function isSecret(folder: string, path: string): boolean {
  return path === folder || path === `${folder}/pki` || path.endsWith(".key") || path === `${folder}/first-password`;
}

function checkSpace({ folder, space }: ServerFacts, { minFreeBytes, minFreeShare }: Settings): Examination {
  const { freeBytes, totalBytes, freeFiles } = space;
  const reserveBytes = Math.max(minFreeBytes, minFreeShare * totalBytes);
  const sizes = { free: text(freeBytes), reserve: text(reserveBytes), folder };
  return examined("disk", `${sizes.free} free of ${text(totalBytes)}`, [
    freeBytes < reserveBytes ? diskFull({ ...sizes, isRefused: true }) : undefined,
    freeBytes >= reserveBytes && freeBytes < 1.5 * reserveBytes ? diskFull({ ...sizes, isRefused: false }) : undefined,
    freeFiles < 10_000 ? inodesShort({ free: freeFiles, folder }) : undefined,
  ]);
}

function checkClock({ paths }: ServerFacts, now: number): Examination {
  const newest = paths.reduce<SeenPath | undefined>(
    (last, each) => (last === undefined || each.changedAt > last.changedAt ? each : last),
    undefined,
  );
  const isBehind = newest !== undefined && newest.changedAt > now + clockToleranceMs;
  return examined("clock", new Date(now).toISOString(), [
    isBehind ? clockBehind({ today: day(now), thing: newest.path, madeOn: day(newest.changedAt) }) : undefined,
  ]);
}

function checkFirstPassword(file: SeenPath | undefined, now: number): Examination {
  const days = file === undefined ? 0 : Math.floor((now - file.changedAt) / dayMs);
  return examined("first password", file === undefined ? "gone" : "not used yet", [
    file !== undefined && days >= 1 ? firstPasswordLeft({ file: file.path, days }) : undefined,
  ]);
}

function text(bytes: number): string {
  return bytes >= 1024 * mebibyte
    ? `${(bytes / 1024 / mebibyte).toFixed(1)} GiB`
    : `${Math.round(bytes / mebibyte)} MiB`;
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
