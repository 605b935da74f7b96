/** Whose words an error text is in, as far as they tell. */
export type ClientProgram =
  | "docker"
  | "docker-build"
  | "podman"
  | "buildah"
  | "skopeo"
  | "containerd"
  | "nerdctl"
  | "kubernetes"
  | "helm"
  | "curl"
  | "wget"
  | "git"
  | "openssl"
  | "python"
  | "java"
  | "node"
  | "rust"
  | "browser"
  | "macos"
  | "unknown";

// In the order in which they are looked for: a kubelet quotes containerd, a build quotes the daemon.
const signs: readonly (readonly [ClientProgram, RegExp])[] = [
  [
    "kubernetes",
    /\bkubelet|\bImagePullBackOff\b|\bErrImagePull\b|\bFailed to pull image\b|\bPullImage\b|\bImagePullSecret/,
  ],
  ["macos", /x509: “.*” certificate is not|\bSecTrustSettings/],
  // Before podman and nerdctl, whose words it shares; podman ends with "Error: ", nerdctl's texts begin otherwise.
  [
    "skopeo",
    /\bskopeo\b|(?:level=fatal msg="|^FATA\[\d+\] )(?:Error (?:parsing image name|listing repository tags|reading|determining|trying to reuse)|(?:initializing|reading|writing|copying|creating|logging into|authenticating creds|trying to reuse|pinging)\b)/,
  ],
  ["nerdctl", /\bnerdctl\b|^(?:FATA|ERRO|INFO|WARN)\[\d+\].*(?:resolve reference|insecure-registry|v2\/")/],
  ["helm", /\bhelm\b|\boci:\/\//],
  [
    "docker-build",
    /\bfailed to solve\b|\bload metadata for\b|\bbuildx\b|\bbuildkit|\bLLB definition\b|\bsource metadata for\b/,
  ],
  ["buildah", /\bbuildah\b/],
  [
    "podman",
    /\bpodman\b|\binitializing source docker:|\bpinging container registry\b|\bauthenticating creds for\b|^Error: logging into/,
  ],
  [
    "docker",
    /\bError response from daemon\b|\bdockerd\b|\bdocker-credential-|\bnon[- ]TTY device|\bdocker (?:login|pull|push)\b/,
  ],
  ["containerd", /^ctr: |\bcontainerd\b|"fetch failed" error=|\bhosts\.toml\b|\bcri image config\b/],
  ["curl", /\bcurl: \(\d+\)/],
  ["wget", /\bERROR: The certificate of ‘|^GnuTLS: /],
  ["git", /^fatal: unable to access/],
  ["python", /\bCERTIFICATE_VERIFY_FAILED\b|\b_ssl\.c:|\burllib|\brequests\.exceptions\b/],
  ["java", /\bPKIX path\b|\bjavax?\.net\b|\bjava\.security\b|\bsun\.security\b/],
  [
    "node",
    /\bUNABLE_TO_(?:GET|VERIFY)_|\bSELF_SIGNED_CERT|\bERR_TLS_|\bERR_SSL_WRONG_VERSION|\bCERT_HAS_EXPIRED\b|\bCERT_NOT_YET_VALID\b|\bnpm (?:ERR!|error)|\bgetaddrinfo E|\bconnect E[A-Z]|\bEPROTO\b|\bUNSUPPORTED_CONSTRAINT/,
  ],
  ["rust", /\binvalid peer certificate\b|\brustls\b/],
  ["openssl", /\bverify error:|\bVerif(?:y return code|ication error):|\bBIO_connect\b/],
  ["browser", /\bERR_(?:CERT|SSL|NAME|CONNECTION|PROXY|TUNNEL|TIMED)_|\bSEC_ERROR_|\bSSL_ERROR_|\bMOZILLA_PKIX_/],
];

/** The client whose words a line is in; `unknown` where any could have written it. */
export function clientOf(line: string): ClientProgram {
  return signs.find(([, sign]) => sign.test(line))?.[0] ?? "unknown";
}
