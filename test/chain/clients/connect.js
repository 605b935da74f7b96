// connect.js ROOTS, lines "HOST PORT" on standard input: connects to each port of 127.0.0.1 as HOST, and prints what came of it.
import { readFileSync } from "node:fs";
import { checkServerIdentity, connect as connectTls } from "node:tls";

const ca = readFileSync(process.argv[2]);

function connect(host, port) {
  const name = /^[0-9.]+$/.test(host)
    ? { checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate) }
    : { servername: host };
  return new Promise((resolve) => {
    const socket = connectTls({ host: "127.0.0.1", port, ca, ...name }, () => {
      socket.end();
      resolve("accepted");
    });
    socket.once("error", (error) => resolve(`refused: ${error.code} ${error.message}`));
  });
}

for (const line of readFileSync(0, "utf8").trim().split("\n")) {
  const [host, port] = line.split(" ");
  console.log(await connect(host, Number(port)));
}
