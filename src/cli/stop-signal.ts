/**
 * Waits for SIGINT (Ctrl-C), SIGTERM or SIGHUP (the terminal has gone) and answers its name. From then on a second
 * one ends the process at once.
 */
export function stopSignal(): Promise<string> {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const { promise, resolve } = Promise.withResolvers<string>();
  let isStopping = false;
  for (const signal of signals) {
    process.on(signal, () => {
      if (isStopping) process.exit(1);
      isStopping = true;
      resolve(signal);
    });
  }
  return promise;
}
