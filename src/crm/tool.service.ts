import { Injectable } from '@nestjs/common';
import { cursorId, type Page, pageOf } from '../http/pagination.dto.js';
import { conflicts, found, rowId, unlessTaken } from './crm-rows.js';
import { type CreateTool, presentTool, type ToolQuery, type ToolView, type UpdateTool } from './tool.dto.js';
import { ToolStore } from './tool.store.js';

/** What a tenant's customers can book. No vocabulary has events of it. */
@Injectable()
export class ToolService {
  constructor(private readonly store: ToolStore) {}

  async create(tenantId: string, input: CreateTool): Promise<ToolView> {
    const tool = await this.store.create(tenantId, input);
    if (!tool) throw externalIdTaken(input.externalId);
    return presentTool(tool);
  }

  async get(tenantId: string, id: string): Promise<ToolView> {
    return presentTool(found(await this.store.find(tenantId, rowId('tool', id)), 'tool', id));
  }

  async list(tenantId: string, query: ToolQuery): Promise<Page<ToolView>> {
    const { limit, cursor: _cursor, ...filter } = query;
    return pageOf(await this.store.list(tenantId, filter, cursorId(query), limit + 1), limit, presentTool);
  }

  async update(tenantId: string, id: string, input: UpdateTool): Promise<ToolView> {
    const change = this.store.update(tenantId, rowId('tool', id), input);
    return presentTool(found(await unlessTaken(change, () => externalIdTaken(input.externalId)), 'tool', id));
  }

  async delete(tenantId: string, id: string): Promise<void> {
    const outcome = await this.store.delete(tenantId, rowId('tool', id));
    if (outcome === 'booked')
      throw conflicts(
        '',
        'There are bookings of this tool, which would not say any more what was booked. Delete them first.',
      );
    found(outcome === 'deleted' || null, 'tool', id);
  }
}

function externalIdTaken(externalId: string | null | undefined) {
  return conflicts('/externalId', `There is a tool with the external id "${externalId}" already.`);
}
