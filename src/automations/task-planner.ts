import { Injectable } from '@nestjs/common';
import type { Write } from '../crm/crm-writer.js';
import { AutomationTaskStore, type NewTask } from './automation-task.store.js';

/** Plans what is to be done at providers, as part of the write that leads to it: both are committed, or neither. */
@Injectable()
export class TaskPlanner {
  constructor(private readonly store: AutomationTaskStore) {}

  /**
   * A task whose key was planned before is not planned again, whatever has become of it.
   * @returns the kinds, for showing with the event
   */
  async plan({ tx, now, origin }: Write, tenantId: string, tasks: readonly NewTask[]): Promise<string[]> {
    const inboundEventId = (origin.metadata?.inboundEventId as string | undefined) ?? null;
    if (tasks.length > 0) await this.store.plan(tx, tenantId, tasks, { inboundEventId, hops: origin.hops }, now);
    return tasks.map(({ kind }) => kind);
  }
}
