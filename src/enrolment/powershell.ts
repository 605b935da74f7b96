import { type RegistryIdentity, trustName } from "./identity.ts";
import body from "./shell/enroll.ps1" with { type: "text" };

const scriptEnd = "# the end of enroll.ps1";

// The DER in front of the key in the SubjectPublicKeyInfo of ECDSA on P-256 (RFC 5480 section 2): what Windows PowerShell has no word for.
const spkiHead = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d030107034200", "hex").toString("base64");

/**
 * The twin of the POSIX script for Windows PowerShell 5.1 and later: Docker Engine, Docker Desktop, and on request Windows' own store.
 * The text is the same for every registry; what is the registry's own stands behind its parameters, quoted. ASCII throughout.
 */
export function powershellScript(registry: RegistryIdentity): string {
  const { host, port } = hostAndPort(registry);
  const { caPem, keyPin } = registry;
  const facts = [
    `$Registry = ${quote(registry.registry)}`,
    `$Spellings = @(${registry.spellings.map(quote).join(", ")})`,
    `$HostName = ${quote(host)}`,
    `$Port = ${port}`,
    `$Name = ${quote(trustName(registry.registry))}`,
    `$KeyPin = ${quote(caPem === undefined ? "" : (keyPin ?? ""))}`,
    `$SpkiHead = ${quote(spkiHead)}`,
    `$CaPem = ${quote(caPem ?? "")}`,
  ];
  return `${body.replace("# FACTS", () => facts.join("\n"))}${scriptEnd}\n`;
}

/**
 * One line for PowerShell that fetches the script and runs it only when it is whole and came from the very server that the line was
 * made for. What is written behind the line goes to the script: `-DryRun`, `-Undo`, `-Check`, `-Store User`.
 *
 * Nothing is asked of the server, and nothing of it is read, before its key is the one in the line: that holds for Windows without
 * curl too, and for every certificate that somebody in between can have. Where clients trust the server's certificate without
 * enrolment, Windows checks that as always. Nothing is written to a file, since many machines run no script that lies in one.
 */
export function powershellLine(registry: RegistryIdentity): string {
  const { caPem, keyPin } = registry;
  const fetch = caPem !== undefined && keyPin !== undefined ? pinnedFetch(registry, keyPin) : trustedFetch(registry);
  const steps = [
    "$ErrorActionPreference = 'Stop'",
    ...fetch,
    `if (-not $t.TrimEnd().EndsWith('${scriptEnd}')) { throw 'The script did not arrive whole. Nothing was run.' }`,
    "& ([scriptblock]::Create($t)) @args",
  ];
  return `& { ${steps.join("; ")} }`;
}

function pinnedFetch(registry: RegistryIdentity, keyPin: string): readonly string[] {
  const { host, port } = hostAndPort(registry);
  const name = registry.registry;
  const request = `GET /enroll.ps1 HTTP/1.1\`r\`nHost: ${name}\`r\`nConnection: close\`r\`n\`r\`n`;
  const talk = [
    "$s = New-Object Net.Security.SslStream($c.GetStream(), $false, { $true })",
    `$s.AuthenticateAsClient('${host}', $null, [Security.Authentication.SslProtocols]::Tls12, $false)`,
    `$k = [byte[]]([Convert]::FromBase64String('${spkiHead}') + $s.RemoteCertificate.GetPublicKey())`,
    `if ([Convert]::ToBase64String([Security.Cryptography.SHA256]::Create().ComputeHash($k)) -cne '${keyPin}') { throw 'This is not ${name}. Nothing was run.' }`,
    `$q = [Text.Encoding]::ASCII.GetBytes("${request}")`,
    "$s.Write($q, 0, $q.Length)",
    "$m = New-Object IO.MemoryStream",
    "$b = New-Object byte[] 65536",
    // How a connection ends differs; whether all arrived is seen by its last line.
    "try { while (($n = $s.Read($b, 0, $b.Length)) -gt 0) { $m.Write($b, 0, $n) } } catch { }",
  ];
  return [
    `$c = New-Object Net.Sockets.TcpClient('${host}', ${port})`,
    `try { ${talk.join("; ")} } finally { $c.Close() }`,
    "$t = [Text.Encoding]::ASCII.GetString($m.ToArray())",
    "if ($t -notmatch '^HTTP/1\\.1 200 ') { throw 'The server did not answer with the script. Nothing was run.' }",
    '$t = $t.Substring($t.IndexOf("`r`n`r`n") + 4)',
  ];
}

function trustedFetch({ registry }: RegistryIdentity): readonly string[] {
  return [
    // Older versions of Windows speak less than TLS 1.2 unless they are told.
    "[Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor 3072",
    `$t = (Invoke-WebRequest -UseBasicParsing 'https://${registry}/enroll.ps1').Content`,
  ];
}

function hostAndPort({ registry }: RegistryIdentity): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(`https://${registry}`);
  return { host: hostname.replaceAll(/[[\]]/g, ""), port: port === "" ? 443 : Number(port) };
}

/** As one word for PowerShell, which takes typographic quotes for quotes too (about_Quoting_Rules). */
function quote(text: string): string {
  return `'${text.replaceAll(/['\u2018-\u201B]/g, "$&$&")}'`;
}
