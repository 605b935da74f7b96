/** What people write from habit, and what it is called here. */
const hints: Readonly<Record<string, string>> = {
  "--port": "did you mean --listen 0.0.0.0:PORT?",
  "-p": "did you mean --listen 0.0.0.0:PORT?",
  rm: "did you mean dozo user remove NAME?",
  delete: "did you mean dozo user remove NAME?",
  start: "did you mean dozo up?",
  run: "did you mean dozo up?",
  stop: "the server stops with Ctrl-C, or with kill and the process number that dozo status names; as a service: systemctl stop dozo",
  restart: "stop the server with Ctrl-C and start it again: dozo up; as a service: systemctl restart dozo",
};

/** The parser's message in dozo's own words, with a hint where it is known what was meant. */
export function usageMessage(text: string): string {
  const message = text
    .replace(/^error: /, "dozo: ")
    .replace(/option '(?:-\w, )?(--[\w-]+)[^']*' argument missing/, "$1 needs a value");
  const unknown = /unknown (?:option|command) '([^']+)'/.exec(message)?.[1] ?? "";
  const hint = hints[unknown];
  return hint === undefined ? message : `${message.split("\n", 1)[0] ?? ""}\n(${hint})\n`;
}
