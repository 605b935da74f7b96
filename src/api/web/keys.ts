import { accessActions } from "../../core/access-rule.ts";
import type { AccessKeySummary, MadeAccessKey } from "../../core/access-key-administration.ts";
import { AdministrationError } from "../../core/administration.ts";
import { command, page, paragraph, type Part, title } from "../../enrolment/page.ts";
import type { Answer } from "../../http/answer.ts";
import type { ApiParts, OwnCall } from "../call.ts";
import { seeOther, sessionOf } from "./browser.ts";
import { checkboxes, choice, form, table, textField } from "./form-parts.ts";
import { pageAnswer } from "./page-answer.ts";

const dayMs = 86_400_000;
/** How long a key may live that is made here, in days. */
const lifetimes: Readonly<Record<string, string>> = {
  "7": "a week",
  "30": "30 days",
  "90": "90 days",
  "365": "a year",
};
const usualLifetime = "90";

/** The access keys of who is logged in. */
export async function show(parts: ApiParts, call: OwnCall): Promise<Answer> {
  return keysPage(parts, call);
}

/** Makes a key, and shows it this once. */
export async function make(parts: ApiParts, call: OwnCall): Promise<Answer> {
  const { form: fields } = call;
  const days = fields.get("days") ?? "";
  const wanted = {
    repositories: (fields.get("repositories") ?? "").split(/[\s,]+/).filter((word) => word !== ""),
    actions: fields.getAll("action"),
    lifetimeMs: Object.hasOwn(lifetimes, days) ? Number(days) * dayMs : 0,
  };
  return withFaults(parts, call, async () => {
    const made = await parts.ownKeys(call.principal).create(wanted);
    return keysPage(parts, call, { made });
  });
}

/** Revokes one of them. */
export async function revoke(parts: ApiParts, call: OwnCall): Promise<Answer> {
  return withFaults(parts, call, async () => {
    await parts.ownKeys(call.principal).revoke(call.form.get("id") ?? "");
    return seeOther("/keys");
  });
}

async function withFaults(parts: ApiParts, call: OwnCall, work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AdministrationError)) throw error;
    return keysPage(parts, call, { fault: error.message });
  }
}

interface News {
  readonly made?: MadeAccessKey;
  readonly fault?: string;
}

async function keysPage(parts: ApiParts, call: OwnCall, { made, fault }: News = {}): Promise<Answer> {
  const { principal, formToken } = sessionOf(parts, call);
  const keys = await parts.ownKeys(call.principal).list();
  const registry = parts.identity()?.registry ?? "HOST:PORT";
  const shown = page("Access keys", [
    paragraph(`You are ${principal.name}. An access key is a password for one machine, which can be taken back alone.`),
    ...(fault === undefined ? [] : [paragraph(`That did not work: ${fault}.`)]),
    ...(made === undefined ? [] : newKey(made, registry)),
    ...(keys.length === 0 ? [] : [title("Your keys"), list(keys, formToken)]),
    title("Make a key"),
    newKeyForm(formToken),
    form({ action: "/logout", token: formToken, button: "Log out" }),
  ]);
  return pageAnswer(shown, call, { status: fault === undefined ? 200 : 400 });
}

function newKey({ key, principal, id }: MadeAccessKey, registry: string): readonly Part[] {
  return [
    title("Your new key"),
    paragraph("It is shown this once. Whoever has it is you, within its limits: keep it as you keep a password."),
    command(key),
    paragraph("Log in with it, and give it as the password:"),
    command(`docker login -u ${principal} ${registry}`),
    paragraph(`In the list below it is ${id}.`),
  ];
}

function list(keys: readonly AccessKeySummary[], token: string): Part {
  const rows = keys.map((key) => [
    key.id,
    key.grants === undefined ? "all that you may" : key.grants.map(grantText).join("; "),
    key.expiresAt === undefined ? "never" : timeText(key.expiresAt),
    key.hasEnded ? "ended" : key.lastUsedAt === undefined ? "never" : timeText(key.lastUsedAt),
    form({ action: "/keys/revoke", token, hidden: { id: key.id }, button: "Revoke" }),
  ]);
  return table(["Key", "Good for", "Until", "Last use", ""], rows);
}

function grantText({ repositories, actions }: NonNullable<AccessKeySummary["grants"]>[number]): string {
  return `${actions.join(", ")} in ${repositories}`;
}

/** To the minute, in UTC. */
function timeText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

function newKeyForm(token: string): Part {
  return form({
    action: "/keys",
    token,
    fields: [
      textField({
        name: "repositories",
        label: "Repositories, as team/app or team/** (none: all that you may)",
        autocomplete: "off",
      }),
      checkboxes("action", "For (none: all that you may)", accessActions, []),
      choice("days", "Ends after", lifetimes, usualLifetime),
    ],
    button: "Make an access key",
  });
}
