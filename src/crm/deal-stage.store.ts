import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import { BUILT_IN_STAGES, findStage, type Stage, type StageOutcome } from './deal-stages.js';

@Injectable()
export class DealStageStore {
  constructor(private readonly prisma: PrismaService) {}

  /** In the order of the pipeline. */
  async list(tenantId: string, tx: Transaction = this.prisma): Promise<readonly Stage[]> {
    const rows = await tx.dealStage.findMany({ where: { tenantId }, orderBy: { position: 'asc' } });
    if (rows.length === 0) return BUILT_IN_STAGES;
    return rows.map(({ key, name, outcome }) => ({ key, name, outcome: outcome as StageOutcome }));
  }

  /** As `list`, and the pipeline stays as it is until the transaction ends: no deal gets into a stage that is just removed. */
  async hold(tx: Transaction, tenantId: string): Promise<readonly Stage[]> {
    await tx.$queryRaw`select pg_advisory_xact_lock_shared(hashtextextended('deal-stages:' || ${tenantId}, 0))::text`;
    return this.list(tenantId, tx);
  }

  /** @param stages empty: the built-in ones again @returns stages left out that deals are in; then nothing was changed */
  replace(tenantId: string, stages: readonly Stage[]): Promise<string[]> {
    return this.prisma.inTransaction(async (tx) => {
      await lock(tx, tenantId);
      const kept = (stages.length > 0 ? stages : BUILT_IN_STAGES).map((stage) => stage.key);
      const used = await tx.deal.groupBy({ by: ['stage'], where: { tenantId, stage: { notIn: kept } } });
      if (used.length > 0) return used.map((deal) => deal.stage).sort();
      await write(tx, tenantId, stages);
      return [];
    });
  }

  /**
   * The stage with that key; one that is not known is added at the end of the tenant's pipeline, as open. Call it before the deal is
   * written: it waits for transactions that hold the pipeline.
   */
  async ensure(tx: Transaction, tenantId: string, key: string): Promise<Stage> {
    const known = findStage(await this.list(tenantId, tx), key);
    if (known) return known;
    await lock(tx, tenantId);
    const stages = await this.list(tenantId, tx);
    const meanwhile = findStage(stages, key);
    if (meanwhile) return meanwhile;
    const stage: Stage = { key, name: key, outcome: 'open' };
    await write(tx, tenantId, [...stages, stage]);
    return stage;
  }
}

async function lock(tx: Transaction, tenantId: string): Promise<void> {
  await tx.$queryRaw`select pg_advisory_xact_lock(hashtextextended('deal-stages:' || ${tenantId}, 0))::text`;
}

async function write(tx: Transaction, tenantId: string, stages: readonly Stage[]): Promise<void> {
  await tx.dealStage.deleteMany({ where: { tenantId } });
  await tx.dealStage.createMany({
    data: stages.map((stage, position) => ({ ...stage, id: newId(), tenantId, position })),
  });
}
