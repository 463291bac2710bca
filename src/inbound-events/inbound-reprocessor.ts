import { Injectable } from '@nestjs/common';
import type { JobProgress, JobStep, JobWork } from '../background-jobs/job-work.js';
import { isUuid } from '../core/ids.js';
import { EventProcessor } from './event-processor.js';
import type { ReprocessFilter } from './inbound-event.dto.js';
import { InboundEventQueue } from './inbound-event.queue.js';
import { type InboundEventFilter, InboundEventStore } from './inbound-event.store.js';

export const REPROCESS_JOB = 'inbound-events.reprocess';
const PAGE = 200;

/** Has all events that match a filter processed again, page by page. */
@Injectable()
export class InboundReprocessor implements JobWork {
  readonly kind = REPROCESS_JOB;

  constructor(
    private readonly store: InboundEventStore,
    private readonly queue: InboundEventQueue,
    private readonly processor: EventProcessor,
  ) {}

  async step({ tenantId, parameters, cursor }: JobStep): Promise<JobProgress> {
    const filter = reprocessFilter(parameters as ReprocessFilter);
    const ids = await this.store.idsMatching(tenantId, filter, cursor, PAGE);
    const reopened = await this.store.reopen(tenantId, ids, this.processor.leaseUntil());
    this.queue.handOver(reopened.map((id) => ({ tenantId, id })));
    return { done: ids.length, failed: 0, cursor: ids.at(-1) ?? cursor, finished: ids.length < PAGE };
  }
}

/** The parameters of a reprocessing job as a filter. */
export function reprocessFilter(parameters: ReprocessFilter): InboundEventFilter {
  const { source, eventName, status, since, until } = parameters;
  return {
    ...sourceFilter(source),
    eventName,
    status: status ?? 'failed',
    since: since === undefined ? undefined : new Date(since),
    until: until === undefined ? undefined : new Date(until),
  };
}

/** By the id of a source, by provider, or `api`. */
export function sourceFilter(source: string | undefined): Pick<InboundEventFilter, 'source' | 'sourceId'> {
  if (source === undefined) return {};
  return isUuid(source) ? { sourceId: source } : { source };
}
