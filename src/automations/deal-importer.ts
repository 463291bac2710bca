import { Injectable } from '@nestjs/common';
import type { TwentyOpportunity } from '../connections/twenty-client.js';
import { CrmWriter, type Write } from '../crm/crm-writer.js';
import { type Deal, DealStore } from '../crm/deal.store.js';
import { DealChanger } from '../crm/deal-changer.js';
import { DealStageStore } from '../crm/deal-stage.store.js';
import type { ClaimedTask } from './automation-task.store.js';
import { ExternalIdentityStore } from './external-identity.store.js';
import { originOf } from './task-origin.js';
import { type OpportunityState, opportunityHash, opportunityOfRecord, updatedAtOf } from './twenty-records.js';

export type ImportedDeal =
  | { kind: 'stale' }
  /** Nothing new: mostly our own write, told by Twenty. */
  | { kind: 'known'; dealId: string }
  /** `stageBefore` is null for one that is new here. */
  | { kind: 'created' | 'updated'; deal: Deal; stageBefore: string | null };

const PERSON = { provider: 'twenty', kind: 'person' };

/** Makes deals here of Twenty's opportunities. */
@Injectable()
export class DealImporter {
  constructor(
    private readonly deals: DealChanger,
    private readonly store: DealStore,
    private readonly stages: DealStageStore,
    private readonly identities: ExternalIdentityStore,
    private readonly writer: CrmWriter,
  ) {}

  /** An opportunity as it was at `seenAt`; an older state than the one that is known is not taken, and each but once. */
  async take(
    write: Write,
    tenantId: string,
    id: string,
    state: OpportunityState,
    seenAt: Date | null,
  ): Promise<ImportedDeal> {
    const { tx } = write;
    const ref = { provider: 'twenty', kind: 'opportunity', externalId: id };
    await this.identities.hold(tx, tenantId, [ref]);
    const identity = await this.identities.find(tenantId, ref, tx);
    if (identity?.seenAt && seenAt && seenAt < identity.seenAt) return { kind: 'stale' };
    const contentHash = opportunityHash(state);
    const noted = { contentHash, seenAt: seenAt ?? identity?.seenAt ?? null };
    if (identity?.contentHash === contentHash) {
      await this.identities.record(tenantId, ref, identity.ownId, noted, tx);
      return { kind: 'known', dealId: identity.ownId };
    }
    const person = state.personId
      ? await this.identities.find(tenantId, { ...PERSON, externalId: state.personId }, tx)
      : null;
    const before = await this.store.lockByExternalId(tx, tenantId, `twenty:${id}`);
    const { deal, created } = await this.write(write, tenantId, id, state, person?.ownId);
    await this.identities.record(tenantId, ref, deal.id, noted, tx);
    return { kind: created ? 'created' : 'updated', deal, stageBefore: before?.stage ?? null };
  }

  /** What was just written in Twenty from here: when Twenty tells of it, it is known. */
  recordWritten(tenantId: string, opportunity: TwentyOpportunity, contactId: string, task: ClaimedTask): Promise<Deal> {
    const state = opportunityOfRecord(opportunity);
    const ref = { provider: 'twenty', kind: 'opportunity', externalId: opportunity.id };
    return this.writer.write(tenantId, originOf(task, 'twenty'), async (write) => {
      await this.identities.hold(write.tx, tenantId, [ref]);
      const { deal } = await this.write(write, tenantId, opportunity.id, state, contactId);
      const noted = { contentHash: opportunityHash(state), seenAt: updatedAtOf(opportunity) };
      await this.identities.record(tenantId, ref, deal.id, noted, write.tx);
      return deal;
    });
  }

  private async write(write: Write, tenantId: string, id: string, state: OpportunityState, contactId?: string) {
    const stage = state.stage === null ? undefined : (await this.stages.ensure(write.tx, tenantId, state.stage)).key;
    const { title, amount, currency } = state;
    return this.deals.upsert(write, tenantId, `twenty:${id}`, {
      title,
      stage,
      ...(contactId && { contactId }),
      ...(amount !== null && { amount, currency }),
    });
  }
}
