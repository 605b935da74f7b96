import { accessKeyPattern, accessKeySecretBytes, writeAccessKey } from "../src/core/access-key.ts";
import { endedKeysKeptMs } from "../src/core/access-key-store.ts";
import type { Ulid } from "../src/core/ulid.ts";

/** The page about the form of access keys, for those who look for leaked ones. */
export function accessKeysPage(): string {
  const nobodys = writeAccessKey("01KAS0G8000000000000000000" as Ulid, new Uint8Array(accessKeySecretBytes));
  return `# Access keys

An access key is a password for one machine, made by \`dozo key create\`. This page is for programs that look for leaked secrets, and
for people who have found one.

## Form

\`\`\`text
${nobodys}
\`\`\`

(This one is nobody's.) In regular expressions of any kind:

\`\`\`text
${accessKeyPattern}
\`\`\`

| characters | what |
|---|---|
| \`dozo_\` | the prefix |
| 26 | the id, a ULID: no secret, \`dozo key list\` shows it; its first ten digits are the time at which the key was made |
| \`_\` | |
| 43 | the secret: ${accessKeySecretBytes} random bytes as a number in base 62, digits \`0-9A-Za-z\` in this order, most significant first |
| 6 | the checksum: CRC-32 (as zlib has it) of all characters before it, in base 62 too |

A text with the wrong checksum is no access key: a scanner can say so without asking the registry, as the registry itself does. In Python:

\`\`\`python
import zlib
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

def is_access_key(text):
    number = 0
    for character in text[-6:]:
        number = number * 62 + DIGITS.index(character)
    return zlib.crc32(text[:-6].encode()) == number
\`\`\`

A rule for gitleaks:

\`\`\`toml
[[rules]]
id = "dozo-access-key"
description = "Access key of a dozo registry"
regex = '''\\b${accessKeyPattern}\\b'''
keywords = ["dozo_"]
\`\`\`

## Somebody found one

\`dozo key revoke ID\`, or with the whole beginning: \`dozo key revoke dozo_ID_\`. From the next request on it is refused, on open connections too. A
download that began before goes on to its end; an upload is refused at its next request, and nothing of it is kept.

## Use

As the password of the user or robot that it is for, whose name has to stand beside it: \`docker login -u ci\`. Or as it is, in
\`Authorization: Bearer\`. It may what its principal may, at most what \`--repositories\` and \`--allow\` say, and lists show no more than
it may pull. It is refused when it is revoked, when its time or its robot's is over, and when its principal or the robot's owner is
removed; not when its user's password changes.

## What the registry keeps

SHA-256 of the whole key, its id, whose it is, its limits, and to the minute when it was used last. The key itself is shown once, when
it is made, and stands in no file, log or answer afterwards. What is revoked is gone from the list; what has ended stays there for
${endedKeysKeptMs / 86_400_000} days.
`;
}
