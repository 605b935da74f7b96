import { describe, expect, test } from "bun:test";
import { explainError } from "./explain-error.ts";
import { knownErrors } from "./known-errors.ts";

// Each text is what a client printed. Where no source is named, that version of the client printed it in a test against a server
// made to provoke it; the others are quoted from the place that is named.

interface Sample {
  readonly from: string;
  readonly text: string;
  /** The ids of all findings, the first one first. */
  readonly ids: readonly string[];
  /** What the fix of the first finding contains. */
  readonly fix: string;
}

const R = "registry.dozo.test";

const trust: readonly Sample[] = [
  {
    from: "Docker 20.10",
    text: `Error response from daemon: Get "https://${R}:5000/v2/": x509: certificate signed by unknown authority`,
    ids: ["unknown-authority"],
    fix: `ca.crt /etc/docker/certs.d/${R}:5000/ca.crt`,
  },
  {
    from: "Docker Engine 29",
    text: `Error response from daemon: failed to resolve reference "${R}:5000/a/b:1": failed to do request: Head "https://${R}:5000/v2/a/b/manifests/1": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    ids: ["unknown-authority"],
    fix: `ca.crt /etc/docker/certs.d/${R}:5000/ca.crt`,
  },
  {
    from: "podman 4.3",
    text: `Trying to pull ${R}:5000/a/b:1...\nError: initializing source docker://${R}:5000/a/b:1: pinging container registry ${R}:5000: Get "https://${R}:5000/v2/": x509: certificate signed by unknown authority`,
    ids: ["unknown-authority"],
    fix: `ca.crt /etc/containers/certs.d/${R}:5000/ca.crt`,
  },
  {
    from: "skopeo 1.9",
    text: `time="2026-11-23T22:43:24Z" level=fatal msg="Error parsing image name \\"docker://${R}:5000/a/b:1\\": pinging container registry ${R}:5000: Get \\"https://${R}:5000/v2/\\": x509: certificate signed by unknown authority"`,
    ids: ["unknown-authority"],
    fix: `ca.crt /etc/containers/certs.d/${R}:5000/ca.crt`,
  },
  {
    from: "podman 4.3, login",
    text: `Error: authenticating creds for "${R}:5000": pinging container registry ${R}:5000: Get "https://${R}:5000/v2/": x509: certificate signed by unknown authority`,
    ids: ["unknown-authority"],
    fix: `/etc/containers/certs.d/${R}:5000/`,
  },
  {
    from: "ctr 2.4",
    text: `ctr: failed to resolve image: failed to do request: Head "https://${R}:5000/v2/a/b/manifests/1": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    ids: ["unknown-authority"],
    fix: `/etc/containerd/certs.d/${R}:5000/ca.crt`,
  },
  {
    from: "nerdctl (github.com/containerd/nerdctl/issues/278)",
    text: 'FATA[0000] failed to resolve reference "reg.xxx.cn/quay.io/coreos/etcd:v3.4.14": failed to do request: Head "https://reg.xxx.cn/v2/quay.io/coreos/etcd/manifests/v3.4.14": x509: certificate signed by unknown authority',
    ids: ["unknown-authority"],
    fix: "/etc/containerd/certs.d/reg.xxx.cn/ca.crt",
  },
  {
    from: "a kubelet's event (github.com/kubernetes/kubernetes/issues/43924)",
    text: 'Warning\tFailed\tFailed to pull image "10.78.0.228:5000/monitorms": Error response from daemon: {"message":"Get https://10.78.0.228:5000/v1/_ping: x509: certificate signed by unknown authority"}',
    ids: ["unknown-authority"],
    fix: "on every node: sudo install -D -m 644 ca.crt /etc/containerd/certs.d/10.78.0.228:5000/ca.crt",
  },
  {
    from: "helm (github.com/helm/helm/issues/11199)",
    text: '$ helm registry login core.harbor.domain -u admin\nError: Get "https://core.harbor.domain/v2/": x509: certificate signed by unknown authority',
    ids: ["unknown-authority"],
    fix: "helm registry login core.harbor.domain --ca-file ca.crt",
  },
  {
    from: "BuildKit in a container (github.com/docker/build-push-action/issues/1378)",
    text: 'ERROR: failed to solve: failed to push harbor.example.io/test/threadtest:latest: failed to authorize: failed to fetch oauth token: Post "https://harbor.example.io/service/token": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    ids: ["token-request-not-trusted"],
    fix: "update-ca-certificates",
  },
  {
    from: "Docker Engine 29.0 (github.com/moby/moby/issues/52361)",
    text: 'Error response from daemon: failed to authorize: failed to fetch oauth token: Post "https://harbor.kairos.local/service/token": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    ids: ["token-request-not-trusted"],
    fix: "update-ca-certificates && sudo systemctl restart docker",
  },
  {
    from: "buildx (github.com/docker/build-push-action/issues/1349)",
    text: '> ERROR: failed to solve: failed to push example.test:a639a35f: failed to authorize: failed to fetch anonymous token: Get "https://example.test/v2/token?service=container_registry": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    ids: ["token-request-not-trusted"],
    fix: "update-ca-certificates",
  },
  {
    from: "OrbStack (github.com/orbstack/orbstack/issues/799, the names filled in)",
    text: 'ERROR: failed to solve: reg.lan/python:3.10-slim: failed to authorize: failed to fetch oauth token: Post "https://reg.lan/jwt/auth": tls: failed to verify certificate: x509: “reg.lan” certificate is not standards compliant',
    ids: ["not-standards-compliant", "token-request-not-trusted"],
    fix: "dozo cert renew",
  },
  {
    from: "helm on macOS (github.com/helm/helm/pull/11711)",
    text: 'Error: failed to do request: Head "https://195.17.0.1:30003/v2/foo/foo/foo/blobs/sha256:af9c03": x509: “tlhowe@3c22fb41240e.ant.amazon.com (Howe)” certificate is not trusted',
    ids: ["unknown-authority"],
    fix: "security add-trusted-cert",
  },
  {
    from: "curl 8",
    text: "curl: (60) SSL certificate problem: unable to get local issuer certificate\nMore details here: https://curl.se/docs/sslcerts.html",
    ids: ["unknown-authority"],
    fix: "update-ca-certificates",
  },
  {
    from: "OpenSSL 3",
    text: "verify error:num=20:unable to get local issuer certificate",
    ids: ["unknown-authority"],
    fix: "update-ca-certificates",
  },
  {
    from: "wget 1.21 with GnuTLS",
    text: `Connecting to ${R} (${R})|10.77.0.1|:5000... connected.\nERROR: The certificate of ‘${R}’ is not trusted.\nERROR: The certificate of ‘${R}’ doesn't have a known issuer.`,
    ids: ["unknown-authority"],
    fix: "update-ca-certificates",
  },
  {
    from: "git 2.39 with GnuTLS",
    text: `fatal: unable to access 'https://${R}:5000/v2/': server certificate verification failed. CAfile: none CRLfile: none`,
    ids: ["unknown-authority"],
    fix: "update-ca-certificates",
  },
  {
    from: "Python 3.11",
    text: "urllib.error.URLError: <urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:992)>",
    ids: ["unknown-authority"],
    fix: "update-ca-certificates",
  },
  {
    from: "Node.js 20",
    text: "Error: unable to get local issuer certificate\n    at TLSSocket.onConnectSecure (node:_tls_wrap:1674:34) {\n  code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'\n}",
    ids: ["unknown-authority"],
    fix: "NODE_EXTRA_CA_CERTS",
  },
  {
    from: "Node.js (github.com/Daplie/node-ssl-root-cas/issues/22)",
    text: '{"code":"UNABLE_TO_VERIFY_LEAF_SIGNATURE"}',
    ids: ["unknown-authority"],
    fix: "NODE_EXTRA_CA_CERTS",
  },
  {
    from: "npm (github.com/npm/npm/issues/8125)",
    text: "npm ERR! code SELF_SIGNED_CERT_IN_CHAIN\nnpm ERR! self signed certificate in certificate chain",
    ids: ["unknown-authority"],
    fix: "NODE_EXTRA_CA_CERTS",
  },
  {
    from: "Java 17",
    text: 'Exception in thread "main" javax.net.ssl.SSLHandshakeException: PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid certification path to requested target',
    ids: ["unknown-authority"],
    fix: "keytool -importcert",
  },
  {
    from: "Java 17, an empty trust store",
    text: 'Exception in thread "main" javax.net.ssl.SSLException: Unexpected error: java.security.InvalidAlgorithmParameterException: the trustAnchors parameter must be non-empty',
    ids: ["unknown-authority"],
    fix: "keytool -importcert",
  },
  {
    from: "reqwest with rustls (github.com/atuinsh/atuin/issues/1142)",
    text: "Error: error sending request for url (https://mydomain.example.com/user/myuser): error trying to connect: invalid peer certificate: UnknownIssuer",
    ids: ["unknown-authority"],
    fix: "update-ca-certificates",
  },
  {
    from: "Chromium",
    text: "net::ERR_CERT_AUTHORITY_INVALID",
    ids: ["unknown-authority"],
    fix: "certutil -d sql:",
  },
  {
    from: "Firefox (github.com/FiloSottile/mkcert/issues/6)",
    text: "The certificate is not trusted because the issuer certificate is unknown.\nError code: SEC_ERROR_UNKNOWN_ISSUER",
    ids: ["unknown-authority"],
    fix: "certutil -d sql:",
  },
  {
    from: "Docker 20.10, podman, buildah and skopeo",
    text: "Error response from daemon: missing key ca.key for client certificate ca.cert. Note that CA certificates should use the extension .crt",
    ids: ["ca-saved-as-client-certificate"],
    fix: "/ca.cert /etc/docker/certs.d/HOST:PORT/ca.crt",
  },
  {
    from: "podman 4.3",
    text: `Error: initializing source docker://${R}:5000/a/b:1: missing key ca.key for client certificate ca.cert. Note that CA certificates should use the extension .crt`,
    ids: ["ca-saved-as-client-certificate"],
    fix: `sudo mv /etc/containers/certs.d/${R}:5000/ca.cert /etc/containers/certs.d/${R}:5000/ca.crt`,
  },
  {
    from: "a newer Docker (github.com/moby/moby, daemon/pkg/registry/registry.go)",
    text: "Error response from daemon: missing key dozo.key for client certificate dozo.cert. CA certificates must use the extension .crt",
    ids: ["ca-saved-as-client-certificate"],
    fix: "/dozo.cert /etc/docker/certs.d/HOST:PORT/dozo.crt",
  },
  {
    from: "Docker Engine 29 with the containerd store",
    text: `Error response from daemon: failed to resolve reference "${R}:5000/a/b:1": failed to load X509 key pair: tls: found a certificate rather than a key in the PEM for the private key`,
    ids: ["ca-saved-as-client-certificate"],
    fix: `sudo mv /etc/docker/certs.d/${R}:5000/ca.cert`,
  },
  {
    from: "crictl (github.com/containerd/containerd/pull/13203)",
    text: 'FATA[0000] pulling image: failed to pull and unpack image "my-registry:2524/admin/image/test:v2": failed to resolve reference "my-registry:2524/admin/image/test:v2": failed to do request: Head "https://my-registry:2524/v2/admin/image/test/manifests/v2": remote error: tls: certificate required',
    ids: ["client-certificate-demanded"],
    fix: "certs.d/my-registry:2524",
  },
  {
    from: "nerdctl (github.com/kubernetes-sigs/kubespray/issues/8336)",
    text: "INFO[0000] Hint: you may want to try --insecure-registry to allow plain HTTP (if you are in a trusted network)",
    ids: ["skips-verification"],
    fix: "/etc/containerd/certs.d/",
  },
  {
    from: "nerdctl (github.com/containerd/nerdctl/issues/1363)",
    text: 'time="2022-09-06T11:00:27Z" level=warning msg="skipping verifying HTTPS certs for \\"10.0.0.1:30003\\""',
    ids: ["skips-verification"],
    fix: "certs.d/",
  },
];

const certificates: readonly Sample[] = [
  {
    from: "Docker 20.10",
    text: `Error response from daemon: Get "https://${R}:5004/v2/": x509: certificate is valid for other.lan, b.lan, not ${R}`,
    ids: ["name-not-in-certificate"],
    fix: `dozo cert add-name ${R}`,
  },
  {
    from: "Docker 20.10 with BuildKit, the token's server",
    text: `#3 ERROR: failed to authorize: rpc error: code = Unknown desc = failed to fetch anonymous token: Get "https://${R}:5006/token?scope=repository%3Aa%2Fb%3Apull&service=x": x509: certificate is valid for other.lan, b.lan, not ${R}`,
    ids: ["name-not-in-certificate"],
    fix: `dozo cert add-name ${R}`,
  },
  {
    from: "curl 8",
    text: `curl: (60) SSL: no alternative certificate subject name matches target host name '${R}'`,
    ids: ["name-not-in-certificate"],
    fix: `dozo cert add-name ${R}`,
  },
  {
    from: "curl 8, an address",
    text: "curl: (60) SSL: no alternative certificate subject name matches target host name '10.77.0.1'",
    ids: ["name-not-in-certificate"],
    fix: "dozo cert add-name 10.77.0.1",
  },
  {
    from: "Python 3.11",
    text: `urllib.error.URLError: <urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, certificate is not valid for '${R}'. (_ssl.c:992)>`,
    ids: ["name-not-in-certificate"],
    fix: `dozo cert add-name ${R}`,
  },
  {
    from: "Node.js 20",
    text: `Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames: Host: ${R}. is not in the cert's altnames: DNS:other.lan, DNS:b.lan`,
    ids: ["name-not-in-certificate"],
    fix: `dozo cert add-name ${R}`,
  },
  {
    from: "wget 1.21 with GnuTLS",
    text: `The certificate's owner does not match hostname ‘${R}’`,
    ids: ["name-not-in-certificate"],
    fix: `dozo cert add-name ${R}`,
  },
  {
    from: "Java (github.com/openjdk/jdk, sun/security/util/HostnameChecker.java)",
    text: `javax.net.ssl.SSLHandshakeException: No subject alternative DNS name matching ${R} found.`,
    ids: ["name-not-in-certificate"],
    fix: `dozo cert add-name ${R}`,
  },
  {
    from: "Chromium (net/base/net_error_list.h)",
    text: "https://reg.lan:5000/ net::ERR_CERT_COMMON_NAME_INVALID",
    ids: ["name-not-in-certificate"],
    fix: "dozo cert add-name reg.lan",
  },
  {
    from: "Docker 20.10",
    text: 'Error response from daemon: Get "https://10.77.0.1:5004/v2/": x509: cannot validate certificate for 10.77.0.1 because it doesn\'t contain any IP SANs',
    ids: ["no-address-in-certificate"],
    fix: "dozo cert add-name 10.77.0.1",
  },
  {
    from: "Docker 20.10",
    text: `Error response from daemon: Get "https://${R}:5003/v2/": x509: certificate relies on legacy Common Name field, use SANs instead`,
    ids: ["common-name-only"],
    fix: "issued again with subject alternative names",
  },
  {
    from: "Docker Engine 29",
    text: `Error response from daemon: failed to resolve reference "${R}:5002/a/b:1": failed to do request: Head "https://${R}:5002/v2/a/b/manifests/1": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-23T22:44:18Z is after 2026-08-05T22:44:17Z`,
    ids: ["certificate-expired"],
    fix: "dozo cert renew",
  },
  {
    from: "Go, with a clock that is a year behind (crypto/x509/verify.go)",
    text: `Error response from daemon: Get "https://${R}:5000/v2/": x509: certificate has expired or is not yet valid: current time 2025-11-23T22:44:18Z is before 2026-08-05T22:44:17Z`,
    ids: ["certificate-not-yet-valid"],
    fix: "timedatectl set-ntp true",
  },
  {
    from: "curl 8",
    text: "curl: (60) SSL certificate problem: certificate has expired",
    ids: ["certificate-expired"],
    fix: "date -u",
  },
  { from: "Node.js 20", text: "  code: 'CERT_HAS_EXPIRED'", ids: ["certificate-expired"], fix: "dozo cert renew" },
  {
    from: "Go (crypto/x509/verify.go)",
    text: 'Get "https://example.com:5000/v2/": tls: failed to verify certificate: x509: a root or intermediate certificate is not authorized to sign for this name: DNS name "example.com" is not permitted by any constraint',
    ids: ["name-outside-constraints"],
    fix: "dozo cert show",
  },
  {
    from: "OpenSSL 3",
    text: "curl: (60) SSL certificate problem: permitted subtree violation",
    ids: ["name-outside-constraints"],
    fix: "dozo cert show",
  },
  {
    from: "Bun 1.4",
    text: 'TypeError: unsupported name constraint type\n  path: "https://registry.dozo.test:5000/v2/",\n errno: 0,\n  code: "UNSUPPORTED_CONSTRAINT_TYPE"',
    ids: ["address-constraints-not-supported"],
    fix: "for names alone",
  },
];

const connections: readonly Sample[] = [
  {
    from: "Docker on loopback, with a wrong password",
    text: 'Error response from daemon: Get "http://127.0.0.1:5744/v2/": EOF',
    ids: ["loopback-login-failed"],
    fix: "docker login 127.0.0.1:5744",
  },
  {
    from: "curl 7.88 with http:// at a port for TLS",
    text: "curl: (52) Empty reply from server",
    ids: ["tls-port-asked-without-tls"],
    fix: "curl https://HOST:PORT/v2/",
  },
  {
    from: "Docker (github.com/docker/cli/issues/5931 and others)",
    text: 'Error response from daemon: Get "https://reg.lan:5000/v2/": http: server gave HTTP response to HTTPS client',
    ids: ["no-tls-on-that-port"],
    fix: "openssl s_client -connect reg.lan:5000",
  },
  {
    from: "Docker 20.10",
    text: `Error response from daemon: Get "https://${R}:5001/v2/": tls: first record does not look like a TLS handshake`,
    ids: ["no-tls-on-that-port"],
    fix: "dozo status",
  },
  {
    from: "curl 8",
    text: "curl: (35) OpenSSL/3.0.19: error:0A00010B:SSL routines::wrong version number",
    ids: ["no-tls-on-that-port"],
    fix: "dozo status",
  },
  {
    from: "Python 3.11",
    text: "urllib.error.URLError: <urlopen error [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:992)>",
    ids: ["no-tls-on-that-port"],
    fix: "dozo status",
  },
  {
    from: "Java 17",
    text: 'Exception in thread "main" javax.net.ssl.SSLException: Unsupported or unrecognized SSL message',
    ids: ["no-tls-on-that-port"],
    fix: "dozo status",
  },
  {
    from: "git 2.39 with GnuTLS",
    text: `fatal: unable to access 'https://${R}:5001/v2/': gnutls_handshake() failed: An unexpected TLS packet was received.`,
    ids: ["no-tls-on-that-port"],
    fix: `openssl s_client -connect ${R}:5001`,
  },
  {
    from: "podman 4.3",
    text: `Error: initializing source docker://${R}:5000/a/b:1: pinging container registry ${R}:5000: Get "https://${R}:5000/v2/": proxyconnect tcp: dial tcp 10.77.0.1:9: connect: connection refused`,
    ids: ["proxy-in-the-way"],
    fix: `NO_PROXY="$NO_PROXY,${R}"`,
  },
  {
    from: "Go, a proxy without TLS",
    text: `Error response from daemon: Get "https://${R}:5000/v2/": proxyconnect tcp: tls: first record does not look like a TLS handshake`,
    ids: ["proxy-in-the-way"],
    fix: "docker.service.d",
  },
  {
    from: "Docker 20.10",
    text: 'Error response from daemon: Get "https://nothing.dozo.test:5000/v2/": dial tcp: lookup nothing.dozo.test on 10.77.0.1:53: no such host',
    ids: ["name-not-found"],
    fix: "getent hosts nothing.dozo.test;",
  },
  {
    from: "Docker 20.10",
    text: `Error response from daemon: Get "https://${R}:5099/v2/": dial tcp 10.77.0.1:5099: connect: connection refused`,
    ids: ["connection-refused"],
    fix: "dozo status",
  },
  {
    from: "curl 8",
    text: `curl: (7) Failed to connect to ${R} port 5099 after 0 ms: Couldn't connect to server`,
    ids: ["connection-refused"],
    fix: "dozo status",
  },
  {
    from: "Node.js 20",
    text: "Error: connect ECONNREFUSED 10.77.0.1:5099",
    ids: ["connection-refused"],
    fix: "dozo status",
  },
  {
    from: "Docker 20.10",
    text: `Error response from daemon: Get "https://${R}:5007/v2/": net/http: TLS handshake timeout`,
    ids: ["timeout"],
    fix: `curl -v --max-time 10 https://${R}:5007/v2/`,
  },
  {
    from: "Go",
    text: `Get "https://${R}:5007/v2/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
    ids: ["timeout"],
    fix: `https://${R}:5007/v2/`,
  },
  {
    from: "ctr (github.com/containerd/containerd/issues/12550)",
    text: 'ctr: failed to resolve image: failed to do request: Head "https://registry-1.docker.io/v2/library/nginx/manifests/latest": dial tcp 104.244.46.244:443: i/o timeout',
    ids: ["timeout"],
    fix: "https://registry-1.docker.io/v2/",
  },
];

const logins: readonly Sample[] = [
  {
    from: "Docker behind nginx",
    text: "error parsing HTTP 413 response body: invalid character '<' looking for beginning of value: \"<html><head><title>413 Request Entity Too Large</title></head></html>\"",
    ids: ["body-too-large"],
    fix: "client_max_body_size 0",
  },
  {
    from: "containerd behind nginx",
    text: `failed commit on ref "layer-sha256:ab": unexpected status from PUT request to https://${R}:5000/v2/a/blobs/uploads/1?digest=x: 413 Request Entity Too Large`,
    ids: ["body-too-large"],
    fix: "client_max_body_size 0",
  },
  {
    from: "dozo after many wrong passwords",
    text: `Error response from daemon: Get "https://${R}:5000/v2/": toomanyrequests: too many failed logins, try again later`,
    ids: ["too-many-requests"],
    fix: `docker login ${R}:5000`,
  },
  {
    from: "Docker 20.10",
    text: `Error response from daemon: Head "https://${R}:5000/v2/a/b/manifests/1": no basic auth credentials`,
    ids: ["not-logged-in"],
    fix: `docker login ${R}:5000`,
  },
  {
    from: "Docker Engine 29",
    text: `Error response from daemon: failed to resolve reference "${R}:5000/a/b:1": pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials`,
    ids: ["not-logged-in"],
    fix: `docker login ${R}:5000`,
  },
  {
    from: "podman 4.3",
    text: `Error: initializing source docker://${R}:5000/a/b:1: reading manifest 1 in ${R}:5000/a/b: unauthorized: log in first: docker login`,
    ids: ["not-logged-in"],
    fix: `podman login ${R}:5000`,
  },
  {
    from: "Docker 20.10",
    text: `Error response from daemon: login attempt to https://${R}:5000/v2/ failed with status: 401 Unauthorized`,
    ids: ["credentials-rejected"],
    fix: `docker login ${R}:5000`,
  },
  {
    from: "Docker 20.10, push",
    text: `The push refers to repository [${R}:5000/a/b]\n84ff92691f90: Preparing\nunauthorized: the user name or the password is wrong`,
    ids: ["credentials-rejected"],
    fix: "dozo user passwd",
  },
  {
    from: "podman 4.3",
    text: `Error: logging into "${R}:5000": invalid username/password`,
    ids: ["credentials-rejected"],
    fix: "podman login",
  },
  {
    from: "skopeo 1.9",
    text: 'time="2026-11-23T22:43:37Z" level=fatal msg="Error listing repository tags: unable to retrieve auth token: invalid username/password: unauthorized: the user name or the password is wrong"',
    ids: ["credentials-rejected"],
    fix: "skopeo login",
  },
  {
    from: "Docker (github.com/docker/cli, cli/command/registry/login.go)",
    text: 'Login did not succeed, error: Error response from daemon: Get "https://reg.lan:5000/v2/": unauthorized: authentication failed\nStored credentials invalid or expired',
    ids: ["credentials-rejected"],
    fix: "docker login reg.lan:5000",
  },
  {
    from: "Docker 20.10, refused by a rule",
    text: `The push refers to repository [${R}:5000/new/x]\ndenied: bob may not push in new/x: ask an admin of this registry`,
    ids: ["access-rule-denies"],
    fix: "dozo access check bob push new/x",
  },
  {
    from: "podman 4.3, refused by a rule",
    text: `Error: initializing source docker://${R}:5000/team/app:1: reading manifest 1 in ${R}:5000/team/app: denied: ci.bot may not pull in team/app: ask an admin of this registry`,
    ids: ["access-rule-denies"],
    fix: "dozo access check ci.bot pull team/app",
  },
  {
    from: "docker push (github.com/SUSE/Portus/issues/1736)",
    text: "$ docker push localhost:5000/hello\nThe push refers to repository [localhost:5000/hello]\ndenied: requested access to the resource is denied",
    ids: ["not-permitted"],
    fix: "docker login localhost:5000",
  },
  {
    from: "buildx (github.com/mondoohq/installer/issues/487)",
    text: "ERROR: failed to solve: failed to push mondoo/devkit:11.28.1: push access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
    ids: ["not-permitted"],
    fix: "docker login",
  },
  {
    from: "Docker Hub's answer to a name without a registry",
    text: "Error response from daemon: pull access denied for team/app, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    ids: ["not-permitted"],
    fix: "docker login",
  },
  {
    from: "docker-compose (github.com/lux4rd0/grafana-loki-syslog-aio/issues/16)",
    text: 'error getting credentials - err: exec: "docker-credential-desktop": executable file not found in $PATH, out: ',
    ids: ["credential-helper-broken"],
    fix: "credsStore",
  },
  {
    from: "podman 4.3",
    text: "\t* error getting credentials - err: docker-credential-nothere resolves to executable in current directory (./docker-credential-nothere), out: ``",
    ids: ["credential-helper-broken"],
    fix: "credsStore",
  },
  {
    from: "Docker 20.10",
    text: "Error: Cannot perform an interactive login from a non TTY device",
    ids: ["login-needs-terminal"],
    fix: "--password-stdin",
  },
  {
    from: "podman 4.3",
    text: "Username: Error: getting username and password: reading username: EOF",
    ids: ["login-needs-terminal"],
    fix: "--password-stdin",
  },
  {
    from: "Docker 20.10",
    text: "WARNING! Your password will be stored unencrypted in /root/.docker/config.json.",
    ids: ["login-stored-unencrypted"],
    fix: "credsStore",
  },
  {
    from: "Docker 20.10",
    text: `Error response from daemon: manifest for ${R}:5000/a/b:1 not found: manifest unknown: this repository has no tag 1`,
    ids: ["no-such-image"],
    fix: `skopeo list-tags docker://${R}:5000/NAME`,
  },
];

const setUps: readonly Sample[] = [
  {
    from: "Docker 20.10 where no daemon runs",
    text: "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    ids: ["docker-daemon-missing"],
    fix: "systemctl start docker",
  },
  {
    from: "Docker 20.10 as a user outside the group",
    text: "Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: dial unix /var/run/docker.sock: connect: permission denied",
    ids: ["docker-socket-forbidden"],
    fix: "usermod -aG docker",
  },
  {
    from: "podman 4.3 and a name without a registry",
    text: 'Error: short-name "foo" did not resolve to an alias and no unqualified-search registries are defined in "/etc/containers/registries.conf"',
    ids: ["short-name"],
    fix: "podman pull HOST:PORT/foo",
  },
  {
    from: "Docker and a name with capitals",
    text: "invalid reference format: repository name must be lowercase",
    ids: ["name-not-lowercase"],
    fix: "small letters",
  },
  {
    from: "Docker on a full disk",
    text: "failed to register layer: Error processing tar file(exit status 1): write /a: no space left on device",
    ids: ["disk-full"],
    fix: "df -h",
  },
  {
    from: "containerd 2.2 (github.com/containerd/containerd/issues/12612)",
    text: 'WARN[2025-12-02T09:14:18.399047608+05:30] failed to load plugin error="unable to load CRI image service plugin dependency: invalid cri image config: `mirrors` cannot be set when `config_path` is provided" id=io.containerd.podsandbox.controller.v1.podsandbox',
    ids: ["containerd-mirrors-and-config-path"],
    fix: "systemctl restart containerd",
  },
  {
    from: "containerd config default, 2.2 (github.com/containerd/containerd/issues/12636)",
    text: "      config_path = '/etc/containerd/certs.d:/etc/docker/certs.d'",
    ids: ["containerd-two-folders"],
    fix: 'config_path = "/etc/containerd/certs.d"',
  },
  {
    from: "containerd 1.7 (github.com/containerd/containerd/issues/10027)",
    text: 'time="2024-04-01T22:11:02.070675417Z" level=error msg="failed to decode hosts.toml" error="invalid `host` tree"',
    ids: ["hosts-toml-broken"],
    fix: "hosts.toml.old",
  },
  {
    from: "a kubelet's event (kubernetes.io, Pull an Image from a Private Registry)",
    text: "  ...  FailedToRetrieveImagePullSecret  ...  Unable to retrieve some image pull secrets (<regcred>); attempting to pull the image may not succeed.",
    ids: ["pull-secret-missing"],
    fix: "create secret docker-registry regcred",
  },
  {
    from: "a kubelet's log (github.com/kubernetes/kubernetes/issues/120188)",
    text: 'kubelet_pods.go:897] "Unable to retrieve pull secret, the image pull may not succeed." pod="kube-system/local-volume-provisioner-g4shf" secret="" err="secret \\"my-app-registry\\" not found"',
    ids: ["pull-secret-missing"],
    fix: "create secret docker-registry my-app-registry",
  },
  {
    from: "kubectl get pods (github.com/kubernetes/kubernetes/issues/43924)",
    text: "monitorms-mmqhm                0/1       ImagePullBackOff",
    ids: ["kubernetes-cannot-pull"],
    fix: "kubectl describe pod",
  },
  {
    from: "macOS over SSH (github.com/PeculiarVentures/fortify/issues/475)",
    text: "SecTrustSettingsSetTrustSettings: The authorization was denied since no user interaction was possible.",
    ids: ["keychain-needs-person"],
    fix: "security add-trusted-cert",
  },
  {
    from: "certutil (github.com/FiloSottile/mkcert, truststore_nss.go)",
    text: "certutil: could not add certificate to token or database: SEC_ERROR_READ_ONLY: security library: read-only database.",
    ids: ["browser-store-read-only"],
    fix: "sudo certutil",
  },
];

describe.each([
  ["trust", trust],
  ["the certificate", certificates],
  ["the connection", connections],
  ["logins", logins],
  ["set-ups", setUps],
] as const)("what clients say about %s", (_, samples) => {
  test.each(samples.map((sample) => [sample.from, sample] as const))("is known from %s", (_from, sample) => {
    const findings = explainError(sample.text);

    expect(findings.map(({ id }) => id)).toEqual([...sample.ids]);
    expect(findings[0]?.fix).toContain(sample.fix);
  });
});

describe("the table of known errors", () => {
  const all = [...trust, ...certificates, ...connections, ...logins, ...setUps];

  test("has a sample for each of them, and each id once", () => {
    const sampled = new Set(all.flatMap(({ ids }) => ids));
    expect(knownErrors.map(({ id }) => id).filter((id) => !sampled.has(id))).toEqual([]);
    expect(new Set(knownErrors.map(({ id }) => id)).size).toBe(knownErrors.length);
  });

  test("answers in whole sentences, with a fix on one line", () => {
    for (const { what, why, fix } of all.flatMap(({ text }) => explainError(text))) {
      expect(what).toMatch(/^\S.*\.$/);
      expect(why).toMatch(/[.:)]$/);
      expect(fix).not.toContain("\n");
      expect(fix).not.toContain("undefined");
    }
  });

  test("puts nothing of a text into a command that a shell could take for more than a name", () => {
    const hostile = all.map(({ text }) => text.replaceAll(R, "x$(id)`id`;id|id&id"));
    for (const { fix } of hostile.flatMap(explainError)) expect(fix).not.toMatch(/\$\(id\)|`id`|;id|\|id|&id/);
  });

  test("reads a log of a hundred thousand lines, and lines without end", () => {
    const lines = Array.from({ length: 100_000 }, (_, index) => `${index} nothing to see`);
    lines[50_000] = all[0]?.text ?? "";
    expect(explainError(lines.join("\n")).map(({ id }) => id)).toEqual(["unknown-authority"]);
    for (const part of ["a", "lookup ", "a.", "https://", '"', "x509: “"]) explainError(part.repeat(200_000));
  }, 60_000);
});
