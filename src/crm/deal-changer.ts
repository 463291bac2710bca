import { Injectable } from '@nestjs/common';
import { type AppError, invalidField } from '../core/errors.js';
import { ContactTotalsStore } from './contact-totals.store.js';
import { changesBetween, conflicts, found, knownOrMade, unlessTaken, withoutUndefined } from './crm-rows.js';
import type { Write } from './crm-writer.js';
import { type Deal, DealStore, type DealValues } from './deal.store.js';
import { DealStageStore } from './deal-stage.store.js';
import { findStage, firstStage, type Stage } from './deal-stages.js';
import type { Changes } from './domain-change.js';

/** What is said of a deal; when it was won or lost follows from its stage. */
export type DealChange = Partial<Omit<DealValues, 'wonAt' | 'lostAt'>>;

const FIELDS = ['title', 'contactId', 'stage', 'amount', 'currency', 'externalId', 'wonAt', 'lostAt'] as const;

/** Writes deals as part of a transaction and tells what changed. Shared by the API and inbound handlers. */
@Injectable()
export class DealChanger {
  constructor(
    private readonly store: DealStore,
    private readonly stages: DealStageStore,
    private readonly totals: ContactTotalsStore,
  ) {}

  /**
   * Without a stage it begins in the first open one.
   * @throws AppError not_found (contact), invalid_request (stage), conflict (external id)
   */
  async create(write: Write, tenantId: string, values: DealChange): Promise<Deal> {
    const deal = await this.insert(write, tenantId, values);
    if (!deal) throw externalIdTaken(values.externalId);
    return deal;
  }

  /** @throws AppError not_found (deal, contact), invalid_request (stage), conflict (external id) */
  async update(write: Write, tenantId: string, id: string, change: DealChange): Promise<Deal> {
    const current = found(await this.store.lock(write.tx, tenantId, id), 'deal', id);
    return (await this.apply(write, current, change)).deal;
  }

  /**
   * The deal that a provider has under `externalId` (`twenty:<uuid>`): made when it is not known, else changed to what is said of
   * it now. A stage the tenant's pipeline lacks is refused; `DealStageStore.ensure` adds it.
   * @returns `changes` is empty when it was so already, or is new
   */
  async upsert(
    write: Write,
    tenantId: string,
    externalId: string,
    values: DealChange,
  ): Promise<{ deal: Deal; created: boolean; changes: Changes }> {
    const { row: deal, made } = await knownOrMade(
      () => this.store.lockByExternalId(write.tx, tenantId, externalId),
      () => this.insert(write, tenantId, { ...values, externalId }),
    );
    if (made) return { deal, created: true, changes: {} };
    return { created: false, ...(await this.apply(write, deal, values)) };
  }

  private async insert(write: Write, tenantId: string, values: DealChange): Promise<Deal | null> {
    const { tx, now } = write;
    const stages = await this.stages.hold(tx, tenantId);
    const stage = values.stage === undefined ? firstStage(stages) : stageOf(stages, values.stage);
    await this.totals.holdNamed(tx, tenantId, values.contactId);
    const deal = await this.store.create(tx, tenantId, { ...values, stage: stage.key, ...ending(stage, now) }, now);
    if (deal) write.tell({ kind: 'deal-created', deal });
    return deal;
  }

  private async apply(write: Write, current: Deal, said: DealChange): Promise<{ deal: Deal; changes: Changes }> {
    const { tx, now } = write;
    const { tenantId, id } = current;
    const change: Partial<DealValues> = withoutUndefined(said);
    if (change.stage !== undefined) {
      const stage = stageOf(await this.stages.hold(tx, tenantId), change.stage);
      Object.assign(change, { stage: stage.key }, stage.key !== current.stage && ending(stage, now, current));
    }
    const changes = changesBetween(current, change, FIELDS);
    if (Object.keys(changes).length === 0) return { deal: current, changes };
    if (changes.contactId) await this.totals.holdNamed(tx, tenantId, change.contactId);
    const deal = await unlessTaken(this.store.update(tx, tenantId, id, change, now), () =>
      externalIdTaken(change.externalId),
    );
    write.tell({ kind: 'deal-updated', deal, changes });
    return { deal, changes };
  }
}

function stageOf(stages: readonly Stage[], key: string): Stage {
  const stage = findStage(stages, key);
  if (stage) return stage;
  const known = stages.map((one) => one.key).join(', ');
  throw invalidField('/stage', `"${key}" is no stage of this tenant's pipeline: ${known}.`);
}

/** From one won stage to another it stays won since when it was. */
function ending({ outcome }: Stage, now: Date, current?: Deal): Pick<DealValues, 'wonAt' | 'lostAt'> {
  return {
    wonAt: outcome === 'won' ? (current?.wonAt ?? now) : null,
    lostAt: outcome === 'lost' ? (current?.lostAt ?? now) : null,
  };
}

function externalIdTaken(externalId: string | null | undefined): AppError {
  return conflicts('/externalId', `There is a deal with the external id "${externalId}" already.`);
}
