import { Injectable } from '@nestjs/common';
import type { JobProgress, JobStep, JobWork } from '../background-jobs/job-work.js';
import { Clock } from '../core/clock.js';
import { PrismaService } from '../database/prisma.service.js';
import type { NewEvent } from '../deliveries/event.store.js';
import { EventPublisher } from '../deliveries/event-publisher.js';
import { ContactEraser, ERASE_JOB, type EraseParameters } from './contact-eraser.js';
import { type ContactErasure, ErasureStore } from './erasure.store.js';
import { patternOf } from './person-keys.js';
import { type Redaction, RedactionStore } from './redaction.store.js';

const EVENTS_IN_A_STEP = 1000;
const ATTEMPTS_IN_A_STEP = 2000;
const INBOUND_IN_A_STEP = 500;

/** Events that tell of the erasure itself, with ids alone. */
const TOLD = ['contact.deleted', 'user.deleted', 'cliente.excluido'];

export interface Erased {
  events: number;
  cancelledDeliveries: number;
  attempts: number;
  inboundEvents: number;
  others: number;
}

interface Standing {
  section: 'events' | 'attempts' | 'inbound' | 'kept';
  after: string | [string, string] | null;
  erased: Erased;
}

const START: Standing = {
  section: 'events',
  after: null,
  erased: { events: 0, cancelledDeliveries: 0, attempts: 0, inboundEvents: 0, others: 0 },
};

/** The second half of an erasure: goes through what is stored of payloads, the newest first, for those may still be on their way. */
@Injectable()
export class PayloadRedactor implements JobWork {
  readonly kind = ERASE_JOB;

  constructor(
    private readonly eraser: ContactEraser,
    private readonly erasures: ErasureStore,
    private readonly redactions: RedactionStore,
    private readonly prisma: PrismaService,
    private readonly publisher: EventPublisher,
    private readonly clock: Clock,
  ) {}

  async step({ tenantId, parameters, cursor }: JobStep): Promise<JobProgress> {
    const standing: Standing = cursor ? JSON.parse(cursor) : START;
    const found = await this.eraser.personOf(tenantId, (parameters as EraseParameters).erasureId);
    if (!found) return { done: 0, failed: 0, cursor, finished: true, result: { ...standing.erased } };
    const { erasure, person } = found;
    const now = this.clock.now();
    const replacement = JSON.stringify({ erased: true, erasedAt: erasure.requestedAt.toISOString() });
    const redaction: Redaction = { pattern: patternOf(person), replacement, now };
    const { done, next } = await this.redactPage(erasure, redaction, standing);
    if (!next.finished) return progress(done, next);
    await this.complete(erasure, now);
    return { ...progress(done, next), finished: true };
  }

  private async redactPage(
    { tenantId, requestedAt }: ContactErasure,
    redaction: Redaction,
    { section, after, erased }: Standing,
  ): Promise<{ done: number; next: Standing & { finished?: boolean } }> {
    switch (section) {
      case 'events': {
        const told = { types: TOLD, since: requestedAt };
        const page = await this.redactions.redactEvents(
          tenantId,
          redaction,
          told,
          after as string | null,
          EVENTS_IN_A_STEP,
        );
        const sum = {
          ...erased,
          events: erased.events + page.redacted,
          cancelledDeliveries: erased.cancelledDeliveries + page.cancelled,
        };
        return { done: page.seen, next: onward('events', 'attempts', page.seen === EVENTS_IN_A_STEP, page.last, sum) };
      }
      case 'attempts': {
        const from = after as [string, string] | null;
        const page = await this.redactions.redactAttempts(tenantId, redaction, from, ATTEMPTS_IN_A_STEP);
        const sum = { ...erased, attempts: erased.attempts + page.redacted };
        return { done: 0, next: onward('attempts', 'inbound', page.seen === ATTEMPTS_IN_A_STEP, page.last, sum) };
      }
      case 'inbound': {
        const from = after as string | null;
        const page = await this.redactions.redactInboundEvents(tenantId, redaction, from, INBOUND_IN_A_STEP);
        const sum = { ...erased, inboundEvents: erased.inboundEvents + page.redacted };
        return { done: page.seen, next: onward('inbound', 'kept', page.seen === INBOUND_IN_A_STEP, page.last, sum) };
      }
      case 'kept': {
        const others = erased.others + (await this.redactions.removeKept(tenantId, redaction));
        return { done: 0, next: { section, after: null, erased: { ...erased, others }, finished: true } };
      }
    }
  }

  /** Told once, and only when it was complete for the first time. */
  private async complete({ tenantId, id, contactId, requestedAt }: ContactErasure, now: Date): Promise<void> {
    const stored = await this.prisma.inTransaction(async (tx) => {
      if (!(await this.erasures.complete(tx, tenantId, id, now))) return [];
      const data = { contactId, erasureId: id, requestedAt: requestedAt.toISOString(), completedAt: now.toISOString() };
      const event: NewEvent = {
        tenantId,
        type: 'contact.erased',
        data: JSON.stringify(data),
        metadata: null,
        channel: null,
        orderingKey: null,
        occurredAt: now,
      };
      return this.publisher.publishInTransaction(tx, [event], { onlyWanted: true });
    });
    this.publisher.handOver(stored);
  }
}

function onward(
  section: Standing['section'],
  following: Standing['section'],
  more: boolean,
  last: Standing['after'],
  erased: Erased,
): Standing {
  return more ? { section, after: last, erased } : { section: following, after: null, erased };
}

function progress(done: number, { section, after, erased }: Standing): JobProgress {
  return {
    done,
    failed: 0,
    cursor: JSON.stringify({ section, after, erased }),
    finished: false,
    result: { ...erased },
  };
}
