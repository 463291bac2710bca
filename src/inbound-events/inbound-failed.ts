import type { NewEvent } from '../deliveries/event.store.js';
import type { LoadedInboundEvent } from './processing.store.js';

/** `inbound.failed`: tells a tenant that processing was given up, so that nobody has to watch a list. */
export function inboundFailed(event: LoadedInboundEvent, error: string, failedAt: Date): NewEvent {
  const { tenantId, id, source, sourceId, eventName, attemptCount } = event;
  const data = {
    inboundEventId: id,
    sourceId,
    provider: source,
    eventName,
    error,
    attempts: attemptCount + 1,
    failedAt: failedAt.toISOString(),
  };
  return {
    tenantId,
    type: 'inbound.failed',
    data: JSON.stringify(data),
    metadata: null,
    channel: null,
    orderingKey: null,
    occurredAt: failedAt,
  };
}
