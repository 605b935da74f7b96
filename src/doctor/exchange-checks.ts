import { loginRefused, loginThrottled } from "../diagnosis/client-findings.ts";
import {
  bodyLimited,
  bytesChanged,
  locationChanged,
  rangeIgnored,
  requestsBuffered,
  uploadDenied,
  uploadFailed,
} from "../diagnosis/exchange-findings.ts";
import type { Finding } from "../diagnosis/finding.ts";
import { type Examination, examined } from "./examination.ts";
import type { AnnouncedBody, Exchange } from "./exchange-facts.ts";

const mebibyte = 1024 * 1024;

/** What stands in front, by how it takes the announcement of a large body. */
export function checkAnnouncement(registry: string, { sizeBytes, status }: AnnouncedBody): Examination {
  const size = sizeText(sizeBytes);
  const seen = status === undefined ? "no answer before the body" : `${status} to an upload of ${size}`;
  return examined("body limit", seen, [
    status === undefined ? requestsBuffered({ registry }) : undefined,
    status === 413 ? bodyLimited({ registry, size, status }) : undefined,
  ]);
}

/** The way of a blob there and back. `url` is the registry's, without a slash at its end. */
export function checkExchange(registry: string, url: string, user: string, exchange: Exchange): readonly Examination[] {
  const { login, location, uploads, range, isWhole } = exchange;
  if (login !== 200) return [examined("login", String(login), [loginFinding(registry, user, login)])];
  return [
    examined("login", `as ${user}`, []),
    examined("location", location ?? "none", [locationFinding(registry, url, location)]),
    examined(
      "upload",
      uploads.map(({ sizeBytes, outcome }) => `${sizeText(sizeBytes)}: ${outcome}`).join(", "),
      uploads.map((upload) => uploadFinding(registry, user, upload)),
    ),
    examined("download", isWhole === true ? "the same bytes" : "not the same bytes", [
      isWhole === false ? bytesChanged({ registry }) : undefined,
    ]),
    examined("range", range === undefined ? "not tried" : `${range.status} to a part`, [
      range === undefined || range.isRight ? undefined : rangeIgnored({ registry, status: range.status }),
    ]),
  ];
}

function loginFinding(registry: string, user: string, login: number | string): Finding {
  if (login === 429) return loginThrottled({ registry });
  if (login === 401 || login === 403) return loginRefused({ registry, user });
  return uploadFailed({ registry, size: "nothing yet", reason: String(login) });
}

function locationFinding(registry: string, url: string, location: string | undefined): Finding | undefined {
  if (location === undefined) return undefined;
  const target = new URL(location, url);
  return target.origin === new URL(url).origin ? undefined : locationChanged({ registry, location });
}

function uploadFinding(
  registry: string,
  user: string,
  { sizeBytes, outcome, said }: Exchange["uploads"][number],
): Finding | undefined {
  const size = sizeText(sizeBytes);
  if (outcome === 201 || outcome === 202 || outcome === "it leads elsewhere") return undefined;
  if (outcome === 413) return bodyLimited({ registry, size, status: outcome });
  if (outcome === 403 && said !== undefined) return uploadDenied({ registry, user, said });
  return uploadFailed({ registry, size, reason: said === undefined ? String(outcome) : `${outcome}: ${said}` });
}

function sizeText(sizeBytes: number): string {
  return sizeBytes >= mebibyte ? `${sizeBytes / mebibyte} MiB` : `${sizeBytes / 1024} KiB`;
}
