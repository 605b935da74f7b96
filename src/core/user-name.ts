const grammar = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;

/** What a user's name is made of, in words for who chose another. */
export const userNameRule = "letters, digits and . _ @ - are possible, at most 64";

/** Whether a user of dozo's own, or of a provider, can have the name: it has no colon, which would end it in a login. */
export function isUserName(text: string): boolean {
  return grammar.test(text);
}
