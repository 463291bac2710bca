import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import { EventPublisher } from '../deliveries/event-publisher.js';
import { ChangePublisher } from './change-publisher.js';
import type { ChangeOrigin, DomainChange } from './domain-change.js';

/** What a write works with. */
export interface Write {
  tx: Transaction;
  now: Date;
  origin: ChangeOrigin;
  /** Says what the write changed: subscribers hear of it when, and only when, the transaction commits. */
  tell(change: DomainChange): void;
}

/** Every write of CRM data that is not an inbound handler's goes through here: rows and events in one commit. */
@Injectable()
export class CrmWriter {
  constructor(
    private readonly prisma: PrismaService,
    private readonly publisher: ChangePublisher,
    private readonly events: EventPublisher,
    private readonly clock: Clock,
  ) {}

  /** Runs `work` in a transaction and publishes what it told; nothing of either is left when it throws. */
  async write<T>(tenantId: string, origin: ChangeOrigin, work: (write: Write) => Promise<T>): Promise<T> {
    const { result, stored } = await this.prisma.inTransaction(async (tx) => {
      const changes: DomainChange[] = [];
      const result = await work({ tx, now: this.clock.now(), origin, tell: (change) => changes.push(change) });
      return { result, stored: await this.publisher.publishInTransaction(tx, tenantId, changes, origin) };
    });
    this.events.handOver(stored);
    return result;
  }
}
