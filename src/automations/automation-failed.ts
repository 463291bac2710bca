import type { NewEvent } from '../deliveries/event.store.js';
import type { ClaimedTask } from './automation-task.store.js';

/** `automation.failed`: tells a tenant that a task was given up, so that nobody has to watch a list. */
export function automationFailed(task: ClaimedTask, error: string, failedAt: Date): NewEvent {
  const { tenantId, id, kind, subject, attempt, inboundEventId } = task;
  const data = {
    taskId: id,
    kind,
    subject,
    error,
    attempts: attempt,
    inboundEventId,
    failedAt: failedAt.toISOString(),
  };
  return {
    tenantId,
    type: 'automation.failed',
    data: JSON.stringify(data),
    metadata: null,
    channel: null,
    orderingKey: null,
    occurredAt: failedAt,
  };
}
