import { type ClientKind, certificateFile, none } from "../client-kind.ts";
import { type RegistryIdentity, trustName } from "../identity.ts";

function besideOthers(registry: RegistryIdentity) {
  return certificateFile(registry, { path: "ca.crt", place: "workspace" });
}

/** Java's own store. */
export const java: ClientKind = {
  id: "java",
  name: "Java (jib, Gradle, Maven, Jenkins)",
  connects: "the Java process itself",
  broughtBy: ["hand"],
  presence: { programs: ["keytool"], paths: none },
  files: besideOthers,
  apply: ({ registry }) => [
    `keytool -importcert -noprompt -cacerts -storepass changeit -alias ${trustName(registry)} -file ca.crt`,
  ],
  restart: "the Java process",
  login: none,
  credentials: "the tool's own; jib reads ~/.docker/config.json",
  use: (registry) => [`gradle jib --image=${registry}/IMAGE`],
  undo: ({ registry }) => [`keytool -delete -cacerts -storepass changeit -alias ${trustName(registry)}`],
  remarks: [
    "Debian and Red Hat make Java's store of the system's: there the page of your system is enough.",
    "On macOS and Windows, -Djavax.net.ssl.trustStoreType=KeychainStore or =Windows-ROOT makes Java ask the system.",
  ],
  sources: [
    {
      claim: "-importcert, -cacerts, -delete",
      url: "https://docs.oracle.com/en/java/javase/21/docs/specs/man/keytool.html",
    },
  ],
};

/** Node.js. */
export const node: ClientKind = {
  id: "node",
  name: "Node.js",
  connects: "the node process itself",
  broughtBy: ["hand"],
  presence: { programs: ["node"], paths: none },
  files: besideOthers,
  apply: () => ['export NODE_EXTRA_CA_CERTS="$PWD/ca.crt"'],
  restart: "the process: the variable is read once, when it starts",
  login: none,
  credentials: "the program's own",
  use: (registry) => [`node -e 'fetch("https://${registry}/v2/")'`],
  undo: () => ["unset NODE_EXTRA_CA_CERTS"],
  remarks: [
    "The line says nothing when the certificate is trusted, and throws when it is not.",
    "Newer versions can ask the system's store: `node --use-system-ca` (22.15, 23.8 and later), or NODE_USE_SYSTEM_CA=1 (22.19, 24.6 and later).",
    "NODE_TLS_REJECT_UNAUTHORIZED=0 switches the verification off, for everything.",
  ],
  sources: [
    { claim: "NODE_EXTRA_CA_CERTS, --use-system-ca, NODE_USE_SYSTEM_CA", url: "https://nodejs.org/api/cli.html" },
  ],
};

/** Programs that take their roots from a variable: Python, curl, git. */
export const variables: ClientKind = {
  id: "python-curl-git",
  name: "Python, curl and git",
  connects: "the program itself",
  broughtBy: ["hand"],
  presence: { programs: ["python3", "curl", "git"], paths: none },
  files: besideOthers,
  apply: ({ registry }) => [
    'export REQUESTS_CA_BUNDLE="$PWD/ca.crt"   # Python, requests',
    'export SSL_CERT_FILE="$PWD/ca.crt"        # Python, ssl and httpx',
    'export CURL_CA_BUNDLE="$PWD/ca.crt"       # curl; for one call --cacert ca.crt',
    `git config --global http.https://${registry}/.sslCAInfo "$PWD/ca.crt"`,
  ],
  restart: undefined,
  login: none,
  credentials: "the program's own",
  use: (registry) => [`curl --cacert ca.crt -u USER https://${registry}/v2/`],
  undo: ({ registry }) => [
    "unset REQUESTS_CA_BUNDLE SSL_CERT_FILE CURL_CA_BUNDLE",
    `git config --global --unset http.https://${registry}/.sslCAInfo`,
  ],
  remarks: [
    "The variables take the place of all other roots: with them, these programs trust this registry and nobody else. For lasting use the page of your system is better; git's line is for this registry alone.",
  ],
  sources: [
    {
      claim: "REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE",
      url: "https://requests.readthedocs.io/en/latest/user/advanced/#ssl-cert-verification",
    },
    {
      claim: "SSL_CERT_FILE",
      url: "https://docs.python.org/3/library/ssl.html#ssl.SSLContext.set_default_verify_paths",
    },
    { claim: "CURL_CA_BUNDLE", url: "https://curl.se/docs/sslcerts.html" },
    { claim: "http.<url>.sslCAInfo", url: "https://git-scm.com/docs/git-config" },
  ],
};

/** NSS: Firefox everywhere, Chromium on Linux. */
export const nss: ClientKind = {
  id: "browsers",
  name: "Firefox, and Chromium on Linux (NSS)",
  connects: "the browser",
  broughtBy: ["hand"],
  presence: { programs: ["certutil"], paths: ({ home }) => [`${home}/.pki/nssdb`, `${home}/.mozilla/firefox`] },
  files: besideOthers,
  apply: ({ registry }) => [
    `certutil -A -d sql:$HOME/.pki/nssdb -t C,, -n ${trustName(registry)} -i ca.crt   # Chromium`,
    `for profile in ~/.mozilla/firefox/*/cert9.db; do certutil -A -d "sql:$(dirname "$profile")" -t C,, -n ${trustName(registry)} -i ca.crt; done`,
  ],
  restart: "the browser",
  login: (registry) => [`# in the browser: https://${registry}/`],
  credentials: "the browser's",
  use: (registry) => [`# in the browser: https://${registry}/`],
  undo: ({ registry }) => [
    `certutil -D -d sql:$HOME/.pki/nssdb -n ${trustName(registry)}`,
    `for profile in ~/.mozilla/firefox/*/cert9.db; do certutil -D -d "sql:$(dirname "$profile")" -n ${trustName(registry)}; done`,
  ],
  remarks: [
    "certutil is in libnss3-tools (Debian), nss-tools (Red Hat), nss (brew).",
    "Browsers from snap and flatpak keep their profiles elsewhere: ~/snap/firefox/common/.mozilla/firefox, ~/.var/app/org.mozilla.firefox/.mozilla/firefox.",
    "On macOS and Windows, Firefox takes over the roots that you added to the system.",
  ],
  sources: [
    {
      claim: "certutil -A -t C,, and the profiles",
      url: "https://github.com/FiloSottile/mkcert/blob/master/truststore_nss.go",
    },
    {
      claim: "Chromium's ~/.pki/nssdb",
      url: "https://chromium.googlesource.com/chromium/src/+/main/docs/linux/cert_management.md",
    },
  ],
};
