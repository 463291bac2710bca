import { Injectable } from '@nestjs/common';
import type { JobProgress, JobStep, JobWork } from '../background-jobs/job-work.js';
import { type CatalogChange, CatalogSweepStore, type SweepBatch } from './catalog-sweep.store.js';
import { CrmWriter, type Write } from './crm-writer.js';
import type { ChangeOrigin, DomainChange } from './domain-change.js';

export interface SweepParameters {
  change: CatalogChange;
  origin: ChangeOrigin;
  /** Up to here it was done with the change itself. */
  afterId: string;
}

/** So many contacts are dealt with in one commit. */
const CONTACTS_IN_A_STEP = 500;

/**
 * Carries a change of a tag or custom field out on the contacts that have it, batch by batch, each with its events. The first batch
 * is part of the change itself: where it is all, nobody ever sees a half.
 */
@Injectable()
export class CatalogSweeper implements JobWork {
  readonly kind = 'contacts.sweep';

  constructor(
    private readonly writer: CrmWriter,
    private readonly store: CatalogSweepStore,
  ) {}

  /** Does the next batch and tells of it. */
  async sweep(write: Write, tenantId: string, change: CatalogChange, afterId: string | null): Promise<SweepBatch> {
    const batch = await this.store.take(write.tx, tenantId, change, afterId, CONTACTS_IN_A_STEP, write.now);
    for (const { contact, value, appliedAt } of batch.contacts) {
      const told: Extract<DomainChange, { kind: 'contact-updated' }> = {
        kind: 'contact-updated',
        contact,
        changes: {},
        customFields: [],
        tagsAdded: [],
        tagsRemoved: [],
      };
      if (change.kind === 'tag-renamed' || change.kind === 'tag-deleted') {
        told.tagsRemoved = [{ id: change.id, name: change.old, appliedAt }];
        if (change.new !== null) told.tagsAdded = [{ id: change.id, name: change.new, appliedAt }];
      } else {
        told.customFields = [{ id: change.id, name: change.old, old: value, new: null }];
        if (change.new !== null) told.customFields.push({ id: change.id, name: change.new, old: null, new: value });
      }
      write.tell(told);
    }
    return batch;
  }

  async step({ tenantId, parameters, cursor }: JobStep): Promise<JobProgress> {
    const { change, origin, afterId } = parameters as SweepParameters;
    const { contacts, nextAfterId } = await this.writer.write(tenantId, origin, (write) =>
      this.sweep(write, tenantId, change, cursor ?? afterId),
    );
    return { done: contacts.length, failed: 0, cursor: nextAfterId, finished: nextAfterId === null };
  }
}
