import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { PrismaService } from '../database/prisma.service.js';
import type { BatchEntry } from '../deliveries/event.dto.js';
import { EventService } from '../deliveries/event.service.js';
import type { NewEvent, StoredEvent } from '../deliveries/event.store.js';
import { EventPublisher } from '../deliveries/event-publisher.js';
import { logger } from '../observability/logger.js';
import { DueRelay } from '../queue/due-relay.js';
import { type ClaimedEntry, OutboxStore, type Refusal } from './outbox.store.js';

const BATCH_ROWS = 500;
const BATCH_BYTES = 16 * 1024 * 1024;

/**
 * Turns what hosts emitted in their own transactions into events, by the same rules as `POST /api/v1/events`. Event in and row out
 * are one commit: a worker that dies in between has done neither, so that a row becomes exactly one event.
 */
@Injectable()
export class OutboxDrainer implements BeforeApplicationShutdown {
  private round: Promise<void> | null = null;
  private stopped = false;

  constructor(
    private readonly store: OutboxStore,
    private readonly prisma: PrismaService,
    private readonly events: EventService,
    private readonly publisher: EventPublisher,
    private readonly relay: DueRelay,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /** Called once, where the outbox is to be drained. */
  start(): void {
    this.relay.add({
      name: 'outbox',
      room: () => (this.stopped || this.round ? 0 : 1),
      // Beside the relay's own round: a full outbox must not hold up the deliveries that are due.
      take: async () => {
        this.round = this.drain().finally(() => {
          this.round = null;
        });
        return 0;
      },
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    await this.round;
  }

  private async drain(): Promise<void> {
    try {
      while (!this.stopped && (await this.drainBatch()) > 0);
    } catch (error) {
      logger.error({ err: (error as Error).message }, 'outbox could not be drained; the next look tries again');
    }
  }

  /** @returns how many rows were dealt with */
  private async drainBatch(): Promise<number> {
    const startedMs = performance.now();
    const { stored, accepted, refused } = await this.prisma.inTransaction(async (tx) => {
      const limits = { rows: BATCH_ROWS, bytes: BATCH_BYTES, bytesOfOne: this.config.http.bodyLimitBytes };
      const rows = await this.store.claimAcrossTenants(tx, limits);
      const examined = await Promise.all(rows.map(async (row) => ({ row, outcome: await this.examine(row) })));
      const events = examined.flatMap(({ outcome }) => ('error' in outcome ? [] : [outcome]));
      const refusals = examined.flatMap(({ row, outcome }) =>
        'error' in outcome ? [refusal(row, outcome.error)] : [],
      );
      const stored: StoredEvent[] = await this.publisher.publishInTransaction(tx, events);
      const done = examined.filter(({ outcome }) => !('error' in outcome)).map(({ row }) => row.id);
      if (done.length > 0) await this.store.deleteClaimedAcrossTenants(tx, done);
      const now = this.clock.now();
      await this.store.refuseAcrossTenants(tx, refusals, now);
      for (const one of refusals) {
        const type = examined.find(({ row }) => row.id === one.id)?.row.type as string;
        stored.push(
          ...(await this.publisher.publishInTransaction(tx, [refusedEvent(one, type, now)], { onlyWanted: true })),
        );
      }
      return { stored, accepted: events.length, refused: refusals.length };
    });
    this.publisher.handOver(stored);
    if (accepted + refused > 0) {
      const deliveries = stored.reduce((sum, event) => sum + event.deliveries.length, 0);
      const commitMs = Math.round(performance.now() - startedMs);
      logger.info({ events: accepted, refused, deliveries, commitMs }, 'outbox drained');
    }
    return accepted + refused;
  }

  private async examine(row: ClaimedEntry): Promise<NewEvent | { error: NonNullable<BatchEntry['error']> }> {
    const { type, data, metadata, channel, orderingKey, occurredAt } = row;
    const limit = this.config.http.bodyLimitBytes;
    if (row.bytes > limit) {
      const detail = `Data and metadata have ${row.bytes} bytes; an event may have ${limit}.`;
      return { error: { code: 'body_too_large', detail } };
    }
    const optional = Object.entries({ metadata, channel, orderingKey }).filter(([, value]) => value !== null);
    const input = { type, data, occurredAt: occurredAt.toISOString(), ...Object.fromEntries(optional) };
    return this.events.examine(row.tenantId, input);
  }
}

function refusal({ tenantId, id }: ClaimedEntry, error: NonNullable<BatchEntry['error']>): Refusal {
  return { tenantId, id, code: error.code, words: error.detail };
}

/** `outbox.refused`: tells a tenant of it, since its host's transaction has long been committed. */
function refusedEvent({ tenantId, id, code, words }: Refusal, eventType: string, refusedAt: Date): NewEvent {
  const data = { outboxId: id, eventType, code, error: words, refusedAt: refusedAt.toISOString() };
  return {
    tenantId,
    type: 'outbox.refused',
    data: JSON.stringify(data),
    metadata: null,
    channel: null,
    orderingKey: null,
    occurredAt: refusedAt,
  };
}
