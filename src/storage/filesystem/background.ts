/** Counts the asynchronous file operations of a thread, so that it does not fall asleep while one is about to end. */
export class Background {
  pending = 0;

  async run<Value>(operation: Promise<Value>): Promise<Value> {
    this.pending += 1;
    try {
      return await operation;
    } finally {
      this.pending -= 1;
    }
  }
}
