const pathForm = /^\/[A-Za-z0-9._~/-]*$/;
const here = "https://registry.invalid";

/**
 * Where somebody wants to be after a login, as a path of this origin. `usual` where nothing is asked for; the front page for what is
 * no plain path here: another site, however it is written, gets nobody (UI-06).
 */
export function safeNextPath(asked: string | null, usual: string): string {
  if (asked === null || asked === "") return usual;
  if (!pathForm.test(asked) || asked.length > 1024 || asked.includes("//")) return "/";
  const resolved = new URL(asked, here);
  return resolved.origin === here && resolved.pathname === asked ? asked : "/";
}
