import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificates } from "./certificates.ts";
import { serverName, type Machine, type Program } from "./machine.ts";

/** A running nginx that ends TLS, with the certificate of the CA that signed its own. */
export interface RunningNginx {
  readonly caPem: string;
  readonly program: Program;
}

/** Starts Debian's nginx on a machine: TLS on `port` with a certificate of a new CA, everything passed on to `upstream`. */
export async function startNginx(machine: Machine, port: number, upstream: string): Promise<RunningNginx> {
  const folder = join(machine.folder, "nginx");
  const { ca } = await makeCertificates(machine, "nginx");
  writeFileSync(join(folder, "nginx.conf"), configuration(folder, port, upstream));
  const program = machine.start(["/usr/sbin/nginx", "-p", folder, "-c", join(folder, "nginx.conf")]);
  await machine.mustRun(`until curl -sko /dev/null https://127.0.0.1:${port}/; do :; done`);
  return { caPem: await machine.mustRun(`cat ${ca}`), program };
}

function configuration(folder: string, port: number, upstream: string): string {
  return `
daemon off;
user root;
pid ${folder}/nginx.pid;
error_log stderr warn;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen ${port} ssl;
    server_name ${serverName};
    ssl_certificate ${folder}/server.crt;
    ssl_certificate_key ${folder}/server.key;
    client_max_body_size 0;
    location / {
      proxy_pass ${upstream};
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_read_timeout 900s;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto https;
    }
  }
}
`;
}
