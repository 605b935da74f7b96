/** Does something when all that came before is done, however that ended. */
export type Turn = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** Changes wait for each other, whoever makes them: "the last admin" has to be true when the row goes. */
export function makeTurns(): Turn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}
