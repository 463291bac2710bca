import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/** A client that takes nothing for so long is treated as one that went away: it holds a connection of the database. */
const STALL_MS = 120_000;

/** Sends to one client, no faster than it reads, and keeps count of exactly what was handed to its connection. */
export class ResponseSink {
  byteCount = 0;
  /** Why there is nobody to send to any more, in words; null: there is. */
  gone: string | null = null;
  private readonly hash = createHash('sha256');

  /** @param onGone called once when the client goes away before the end */
  constructor(
    private readonly raw: ServerResponse,
    onGone: () => void,
  ) {
    raw.once('close', () => {
      if (raw.writableFinished) return;
      this.gone ??= 'The client closed the connection before the end.';
      onGone();
    });
  }

  /** Resolves when the client has room for more, or is gone. */
  async write(text: string): Promise<void> {
    if (this.gone || text === '') return;
    // As text, twice encoded: a buffer for each batch would be memory outside of the heap, which piles up until the heap is collected.
    this.hash.update(text, 'utf8');
    this.byteCount += Buffer.byteLength(text);
    if (!this.raw.write(text)) await this.untilEvent('drain');
  }

  /** Resolves when everything is on its way, or the client is gone. */
  async finish(): Promise<void> {
    if (this.gone) return;
    this.raw.end();
    if (!this.raw.writableFinished) await this.untilEvent('finish');
  }

  /** Breaks off, so that nobody takes what was sent for the whole. */
  breakOff(): void {
    this.raw.destroy();
  }

  sha256(): Buffer {
    return this.hash.digest();
  }

  private async untilEvent(event: 'drain' | 'finish'): Promise<void> {
    if (this.gone) return;
    const waiting = new AbortController();
    const stall = setTimeout(() => {
      this.gone ??= `The client took nothing for ${STALL_MS / 1000} s.`;
      this.raw.destroy();
    }, STALL_MS);
    const { signal } = waiting;
    await Promise.race([once(this.raw, event, { signal }), once(this.raw, 'close', { signal })]).catch(() => undefined);
    waiting.abort();
    clearTimeout(stall);
  }
}
