/**
 * Group commit: calls that arrive while a batch is being run wait together and share the next one. At low load a batch
 * is one item, started in the same turn of the event loop, so nothing is slower than it would be alone.
 */
export class Batcher<Item, Result> {
  private waiting: { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void }[] = [];
  private running = 0;
  private scheduled = false;

  /**
   * @param run gets the items of a batch and returns one result for each, in the same order
   * @param isItemsFault says of a failure whether it may be one item's: the batch is then run again item by item,
   *   so that a bad item fails alone
   */
  constructor(
    private readonly run: (items: Item[]) => Promise<Result[]>,
    private readonly options: { maxItems: number; maxRunning: number; isItemsFault?: (error: unknown) => boolean },
  ) {}

  /** Resolves when the batch that holds the item is done. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (this.scheduled || this.running >= this.options.maxRunning) return;
      this.scheduled = true;
      setImmediate(() => {
        this.scheduled = false;
        this.start();
      });
    });
  }

  /** Items waiting or being run. */
  get busy(): boolean {
    return this.waiting.length > 0 || this.running > 0;
  }

  private start(): void {
    while (this.waiting.length > 0 && this.running < this.options.maxRunning) {
      const batch = this.waiting.splice(0, this.options.maxItems);
      this.running++;
      void this.runBatch(batch).finally(() => {
        this.running--;
        this.start();
      });
    }
  }

  private async runBatch(batch: typeof this.waiting): Promise<void> {
    try {
      const results = await this.run(batch.map((entry) => entry.item));
      batch.forEach((entry, i) => {
        entry.resolve(results[i] as Result);
      });
    } catch (error) {
      if (batch.length > 1 && this.options.isItemsFault?.(error)) {
        for (const entry of batch) await this.runBatch([entry]);
      } else {
        for (const entry of batch) entry.reject(error);
      }
    }
  }
}
