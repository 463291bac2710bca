import { Injectable } from '@nestjs/common';
import { invalidField } from '../core/errors.js';
import { cursorId, type Page, pageOf } from '../http/pagination.dto.js';
import { conflicts, found, rowId } from './crm-rows.js';
import { CrmWriter } from './crm-writer.js';
import {
  type CreateDeal,
  type DealQuery,
  type DealStagesView,
  type DealView,
  presentDeal,
  type ReplaceDealStages,
  type UpdateDeal,
} from './deal.dto.js';
import { DealStore } from './deal.store.js';
import { DealChanger } from './deal-changer.js';
import { DealStageStore } from './deal-stage.store.js';
import type { Stage } from './deal-stages.js';
import type { ChangeOrigin } from './domain-change.js';

/** Deals, and the pipeline they go through. */
@Injectable()
export class DealService {
  constructor(
    private readonly store: DealStore,
    private readonly changer: DealChanger,
    private readonly stages: DealStageStore,
    private readonly writer: CrmWriter,
  ) {}

  async create(tenantId: string, origin: ChangeOrigin, input: CreateDeal): Promise<DealView> {
    return presentDeal(
      await this.writer.write(tenantId, origin, (write) => this.changer.create(write, tenantId, input)),
    );
  }

  async get(tenantId: string, id: string): Promise<DealView> {
    return presentDeal(found(await this.store.find(tenantId, rowId('deal', id)), 'deal', id));
  }

  async list(tenantId: string, query: DealQuery): Promise<Page<DealView>> {
    const { limit, cursor: _cursor, ...filter } = query;
    return pageOf(await this.store.list(tenantId, filter, cursorId(query), limit + 1), limit, presentDeal);
  }

  async update(tenantId: string, origin: ChangeOrigin, id: string, input: UpdateDeal): Promise<DealView> {
    rowId('deal', id);
    return presentDeal(
      await this.writer.write(tenantId, origin, (write) => this.changer.update(write, tenantId, id, input)),
    );
  }

  /** No vocabulary has an event of it. */
  async delete(tenantId: string, id: string): Promise<void> {
    found((await this.store.delete(tenantId, rowId('deal', id))) || null, 'deal', id);
  }

  async listStages(tenantId: string): Promise<DealStagesView> {
    return { data: [...(await this.stages.list(tenantId))] };
  }

  /** @throws AppError invalid_request, or conflict when deals are in a stage that is left out */
  async replaceStages(tenantId: string, { stages }: ReplaceDealStages): Promise<DealStagesView> {
    const keys = stages.map((stage) => stage.key.toLowerCase());
    const repeated = keys.findIndex((key, i) => keys.indexOf(key) < i);
    if (repeated >= 0)
      throw invalidField(`/stages/${repeated}/key`, `There are two stages "${stages[repeated]?.key}".`);
    if (!stages.some((stage) => stage.outcome === 'open'))
      throw invalidField('/stages', 'At least one stage has the outcome open: a deal begins there.');
    await this.writeStages(tenantId, stages);
    return this.listStages(tenantId);
  }

  /** Back to the built-in ones. @throws AppError conflict when deals are in a stage that these lack */
  async resetStages(tenantId: string): Promise<void> {
    await this.writeStages(tenantId, []);
  }

  private async writeStages(tenantId: string, stages: readonly Stage[]): Promise<void> {
    const used = await this.stages.replace(tenantId, stages);
    if (used.length > 0)
      throw conflicts('/stages', `There are deals in stages that are left out: ${used.join(', ')}. Move them first.`);
  }
}
