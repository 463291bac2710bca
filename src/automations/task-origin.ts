import type { ChangeOrigin } from '../crm/domain-change.js';
import type { ClaimedTask } from './automation-task.store.js';

/** Where the writes of a task come from: they are as far round as what led to it. */
export function originOf({ id, inboundEventId, hops }: ClaimedTask, source: string): ChangeOrigin {
  return { source, hops, metadata: { taskId: id, ...(inboundEventId && { inboundEventId }) } };
}
