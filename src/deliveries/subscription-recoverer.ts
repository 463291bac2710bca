import { Injectable } from '@nestjs/common';
import type { JobProgress, JobStep, JobWork } from '../background-jobs/job-work.js';
import { Clock } from '../core/clock.js';
import { matches } from '../core/event-filter.js';
import { patternsMatching } from '../core/event-pattern.js';
import type { Recoverable } from './recovery.dto.js';
import { isPast, type RecoveryEvent, RecoveryStore } from './recovery.store.js';

export interface RecoverParameters {
  subscriptionId: string;
  since: string;
  until: string;
  statuses: Recoverable[];
}

/** What a subscription asks for. */
interface Wishes {
  eventTypes: string[];
  channels: string[];
  filter: unknown;
}

interface Standing {
  afterId: string | null;
  reopened: number;
  created: number;
}

const EVENTS_IN_A_STEP = 500;

/** The job behind `POST /subscriptions/{id}/recover`: goes through the events of a time and makes due what is not delivered. */
@Injectable()
export class SubscriptionRecoverer implements JobWork {
  readonly kind = 'subscriptions.recover';

  constructor(
    private readonly store: RecoveryStore,
    private readonly clock: Clock,
  ) {}

  async step({ tenantId, parameters, cursor }: JobStep): Promise<JobProgress> {
    const { subscriptionId, statuses, ...range } = parameters as RecoverParameters;
    const [since, until] = [new Date(range.since), new Date(range.until)];
    const standing: Standing = cursor ? JSON.parse(cursor) : { afterId: null, reopened: 0, created: 0 };
    const wishes = await this.store.findWishes(tenantId, subscriptionId);
    if (!wishes) return ended(standing, 'The subscription was deleted meanwhile.');

    const page = await this.store.listEvents(tenantId, since, standing.afterId, EVENTS_IN_A_STEP);
    const events = page.filter(
      ({ createdAt, audience }) => createdAt >= since && createdAt < until && audience !== 'test',
    );
    const create = statuses.includes('missing');
    const pairs = events.map((event) => ({
      eventId: event.id,
      subscriptionId,
      create: create && wants(wishes, event),
    }));
    const now = this.clock.now();
    // Due now, and not handed over: the due relay takes them as there is room, so that this many do not crowd out the others.
    const wanted = statuses.filter((status) => status !== 'missing');
    const deliveries = await this.store.reopenOrCreate(tenantId, pairs, wanted, now, now);
    const count = (action: string) => deliveries.filter((delivery) => delivery.action === action).length;
    const last = page.at(-1);
    const next: Standing = {
      afterId: last?.id ?? standing.afterId,
      reopened: standing.reopened + count('reopened'),
      created: standing.created + count('created'),
    };
    const finished = page.length < EVENTS_IN_A_STEP || !last || isPast(last.createdAt, until);
    return { ...ended(next), done: events.length, finished };
  }
}

function ended(standing: Standing, note?: string): JobProgress {
  const { reopened, created } = standing;
  const result = { reopened, created, ...(note && { note }) };
  return { done: 0, failed: 0, cursor: JSON.stringify(standing), finished: true, result };
}

/** As in publishing: type, channel and filter. What went to one subscription alone is nobody else's. */
function wants({ eventTypes, channels, filter }: Wishes, event: RecoveryEvent): boolean {
  return (
    event.audience === null &&
    patternsMatching(event.type).some((pattern) => eventTypes.includes(pattern)) &&
    (channels.length === 0 || (event.channel !== null && channels.includes(event.channel))) &&
    (filter === null || matches(filter, JSON.parse(event.data)))
  );
}
