import type { Secrets } from "./cases.ts";
import { limitsOfKey } from "./token-cases.ts";
import { passwordOf, unlimited, type World } from "./world.ts";

/** What some have to fetch tokens with, and what others had. */
export async function secretsOf(world: World): Promise<Secrets> {
  const { administration, formerKeys } = world;
  const [grant] = limitsOfKey.grants;
  const limits = { repositories: [grant?.repositories ?? ""], actions: grant?.actions ?? [] };
  const limitedKey = (await administration.createKey("root", { ...limits, lifetimeMs: 1000 })).key;
  const bots = (await administration.createKey("alices-bot", unlimited)).key;
  const revoked = await administration.createKey("rita", unlimited);
  const ofRevoked = await refreshToken(world, "rita", revoked.key);
  await administration.revokeKeys({ id: revoked.id });
  const first = "what it was at first";
  for (const name of ["sooner", "soon"]) await administration.addUser({ name, password: first, isAdmin: true });
  const ofChanged = await refreshToken(world, "sooner", first);
  await administration.changePassword("sooner", passwordOf("sooner"));
  const ofGone = await refreshToken(world, "soon", first);
  await administration.removeUser("soon");
  const alices = await refreshToken(world, "alice", passwordOf("alice"));
  const other = alices.endsWith("A") ? "B" : "A";
  return {
    passwordOf,
    limitedKey,
    refreshTokens: new Map([
      ["alice", alices],
      ["alices-bot", await refreshToken(world, "alices-bot", bots)],
      ["a limited key", await refreshToken(world, "root", limitedKey)],
      ["a password that was changed", ofChanged],
      ["somebody who is gone", ofGone],
      ["a key that was revoked", ofRevoked],
      ["nobody: mistyped", alices.slice(0, -1) + other],
      ["nobody: an access token", formerKeys.get("gone") ?? ""],
    ]),
  };
}

async function refreshToken({ handle }: World, name: string, password: string): Promise<string> {
  const headers = { authorization: `Basic ${btoa(`${name}:${password}`)}` };
  const request = new Request("http://registry.test/token?offline_token=true", { headers });
  const answer = await handle(request, { address: "10.255.0.1" });
  const { refresh_token: token } = (await answer.json()) as { readonly refresh_token?: string };
  if (token === undefined) throw new Error(`${name} gets no refresh token`);
  return token;
}
