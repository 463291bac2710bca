import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import type { Transaction } from '../database/prisma.service.js';
import { AutomationTaskStore, type NewTask } from './automation-task.store.js';

/** Plans what is to be done at providers, as part of the transaction that leads to it: both are committed, or neither. */
@Injectable()
export class TaskPlanner {
  constructor(
    private readonly store: AutomationTaskStore,
    private readonly clock: Clock,
  ) {}

  /**
   * A task whose key was planned before is not planned again, whatever has become of it.
   * @returns the kinds and keys given, for showing with the event
   */
  async plan(tx: Transaction, tenantId: string, tasks: readonly NewTask[]): Promise<string[]> {
    if (tasks.length > 0) await this.store.plan(tx, tenantId, tasks, this.clock.now());
    return tasks.map(({ kind }) => kind);
  }
}
