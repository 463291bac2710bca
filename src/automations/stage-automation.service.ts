import { Injectable } from '@nestjs/common';
import { AppError, invalidField, notFound } from '../core/errors.js';
import { isEventTypeName } from '../core/event-pattern.js';
import { isUuid } from '../core/ids.js';
import { cursorId, type Page, type PageQuery, pageOf } from '../http/pagination.dto.js';
import { BUILT_IN_TEMPLATES } from './built-in-templates.js';
import { MessageTemplateStore } from './message-template.store.js';
import {
  type CreateStageAutomation,
  presentStageAutomation,
  type StageAutomationView,
  type UpdateStageAutomation,
} from './stage-automation.dto.js';
import { StageAutomationStore } from './stage-automation.store.js';

/** What a tenant wants to happen when an opportunity enters a stage. */
@Injectable()
export class StageAutomationService {
  constructor(
    private readonly store: StageAutomationStore,
    private readonly templates: MessageTemplateStore,
  ) {}

  async create(tenantId: string, input: CreateStageAutomation): Promise<StageAutomationView> {
    const { stage, enabled = true, templateName = null, tag = null, eventType = null } = input;
    await this.check(tenantId, input);
    const row = await this.store.create(tenantId, { stage, enabled, templateName, tag, eventType });
    if (row) return presentStageAutomation(row);
    throw new AppError('conflict', {
      detail: `There is an automation for the stage "${stage}" already: change that one.`,
    });
  }

  async get(tenantId: string, id: string): Promise<StageAutomationView> {
    const row = isUuid(id) ? await this.store.find(tenantId, id) : null;
    if (!row) throw notFound('stage automation', id);
    return presentStageAutomation(row);
  }

  async list(tenantId: string, query: PageQuery): Promise<Page<StageAutomationView>> {
    const rows = await this.store.list(tenantId, cursorId(query), query.limit + 1);
    return pageOf(rows, query.limit, presentStageAutomation);
  }

  async update(tenantId: string, id: string, input: UpdateStageAutomation): Promise<StageAutomationView> {
    await this.check(tenantId, input);
    const { enabled, templateName, tag, eventType } = input;
    const row = isUuid(id) ? await this.store.update(tenantId, id, { enabled, templateName, tag, eventType }) : null;
    if (!row) throw notFound('stage automation', id);
    return presentStageAutomation(row);
  }

  async delete(tenantId: string, id: string): Promise<void> {
    if (!isUuid(id) || !(await this.store.delete(tenantId, id))) throw notFound('stage automation', id);
  }

  private async check(tenantId: string, { templateName, eventType }: UpdateStageAutomation): Promise<void> {
    if (eventType && !isEventTypeName(eventType))
      throw invalidField('/eventType', `"${eventType}" is not the name of an event type: words with dots, deal.moved.`);
    if (!templateName || BUILT_IN_TEMPLATES[templateName]) return;
    if ((await this.templates.listNamed(tenantId, templateName)).length > 0) return;
    const detail = `There is no message template "${templateName}": make it first with POST /api/v1/message-templates.`;
    throw invalidField('/templateName', detail);
  }
}
