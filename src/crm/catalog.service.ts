import { Injectable } from '@nestjs/common';
import type { BackgroundJobView } from '../background-jobs/background-job.dto.js';
import { BackgroundJobService } from '../background-jobs/background-job.service.js';
import { AppError, invalidField, notFound } from '../core/errors.js';
import { isUuid } from '../core/ids.js';
import { isUniqueViolation } from '../database/prisma.service.js';
import { cursorId, type Page, type PageQuery, pageOf } from '../http/pagination.dto.js';
import type { CreateCustomField, CreateTag, CustomFieldView, TagView, UpdateCustomField } from './catalog.dto.js';
import type { CatalogChange } from './catalog-sweep.store.js';
import { CatalogSweeper, type SweepParameters } from './catalog-sweeper.js';
import { checkTagName } from './contact-checker.js';
import { CrmWriter, type Write } from './crm-writer.js';
import { type CustomField, CustomFieldStore } from './custom-field.store.js';
import type { CustomFieldType } from './custom-field-value.js';
import type { ChangeOrigin } from './domain-change.js';
import { type Tag, TagStore } from './tag.store.js';

/** Who asks for a change that may go on in the background. */
export interface Asker {
  origin: ChangeOrigin;
  /** Name of the member or key. */
  by: string;
}

/** What a tenant's contacts can be marked with: its tags and custom fields. */
@Injectable()
export class CatalogService {
  constructor(
    private readonly tags: TagStore,
    private readonly fields: CustomFieldStore,
    private readonly writer: CrmWriter,
    private readonly sweeper: CatalogSweeper,
    private readonly jobs: BackgroundJobService,
  ) {}

  createTag(tenantId: string, origin: ChangeOrigin, input: CreateTag): Promise<TagView> {
    const name = tagName(input.name);
    return this.writer.write(tenantId, origin, async ({ tx, now }) => {
      const made = await this.tags.create(tx, tenantId, name, now);
      if (!made) throw taken('tag', name);
      return presentTag(made);
    });
  }

  async listTags(tenantId: string, query: PageQuery): Promise<Page<TagView>> {
    return pageOf(await this.tags.list(tenantId, cursorId(query), query.limit + 1), query.limit, presentTag);
  }

  async getTag(tenantId: string, id: string): Promise<TagView> {
    const tag = isUuid(id) ? await this.tags.find(tenantId, id) : null;
    if (!tag) throw notFound('tag', id);
    return presentTag(tag);
  }

  /** Every contact that has it is told as one whose tag went and another came. */
  async renameTag(tenantId: string, asker: Asker, id: string, name: string): Promise<TagView> {
    const before = await this.getTag(tenantId, id);
    const view = { ...before, name: tagName(name) };
    if (view.name === before.name) return before;
    const change = { kind: 'tag-renamed' as const, id, old: before.name, new: view.name };
    await this.sweep(tenantId, asker, change, (write) => this.tags.rename(write.tx, tenantId, id, view.name));
    return view;
  }

  /** @returns the job that takes it off the contacts, where they are too many for one commit */
  async deleteTag(tenantId: string, asker: Asker, id: string): Promise<BackgroundJobView | null> {
    const { name } = await this.getTag(tenantId, id);
    const change = { kind: 'tag-deleted' as const, id, old: name, new: null };
    return this.sweep(tenantId, asker, change, (write) => this.tags.delete(write.tx, tenantId, id));
  }

  createField(tenantId: string, origin: ChangeOrigin, input: CreateCustomField): Promise<CustomFieldView> {
    const { name, label = '', type, choices = [] } = input;
    checkFieldName(name);
    checkChoices(type, choices);
    return this.writer.write(tenantId, origin, async ({ tx, now }) => {
      const made = await this.fields.create(tx, tenantId, { name, label, type, choices }, now);
      if (!made) throw taken('custom field', name);
      return presentField(made);
    });
  }

  async listFields(tenantId: string, query: PageQuery): Promise<Page<CustomFieldView>> {
    return pageOf(await this.fields.list(tenantId, cursorId(query), query.limit + 1), query.limit, presentField);
  }

  async getField(tenantId: string, id: string): Promise<CustomFieldView> {
    const field = isUuid(id) ? await this.fields.find(tenantId, id) : null;
    if (!field) throw notFound('custom field', id);
    return presentField(field);
  }

  /** Values that a new list of choices lacks stay where they are. A new name is told as a value that went and another that came. */
  async updateField(tenantId: string, asker: Asker, id: string, input: UpdateCustomField): Promise<CustomFieldView> {
    const before = await this.getField(tenantId, id);
    const { name = before.name, label = before.label, choices = before.choices } = input;
    checkFieldName(name);
    checkChoices(before.type, choices);
    const update = async ({ tx, now }: Write) =>
      void (await this.fields.update(tx, tenantId, id, { name, label, choices }, now));
    const change = { kind: 'field-renamed' as const, id, old: before.name, new: name };
    if (name === before.name) await this.writer.write(tenantId, asker.origin, update);
    else await this.sweep(tenantId, asker, change, update);
    return this.getField(tenantId, id);
  }

  async deleteField(tenantId: string, asker: Asker, id: string): Promise<BackgroundJobView | null> {
    const { name } = await this.getField(tenantId, id);
    const change = { kind: 'field-deleted' as const, id, old: name, new: null };
    return this.sweep(tenantId, asker, change, (write) => this.fields.delete(write.tx, tenantId, id));
  }

  /** Changes the entry and the first contacts in one commit; where there are more, a job that is committed with it does the others. */
  private async sweep(
    tenantId: string,
    { origin, by }: Asker,
    change: CatalogChange,
    apply: (write: Write) => Promise<void>,
  ): Promise<BackgroundJobView | null> {
    try {
      return await this.writer.write(tenantId, origin, async (write) => {
        await apply(write);
        const { nextAfterId: afterId } = await this.sweeper.sweep(write, tenantId, change, null);
        if (afterId === null) return null;
        const parameters = { change, origin, afterId } satisfies SweepParameters;
        const job = { kind: this.sweeper.kind, parameters, total: null, createdBy: by };
        return this.jobs.create(tenantId, job, write.tx);
      });
    } catch (error) {
      if (isUniqueViolation(error))
        throw taken(change.kind.startsWith('tag') ? 'tag' : 'custom field', change.new ?? '');
      throw error;
    }
  }
}

function tagName(name: string): string {
  return checkTagName(name, '/name', (pointer, detail) => {
    throw invalidField(pointer, detail);
  });
}

/** Names that every object has would be found in contacts that have no such value. */
function checkFieldName(name: string): void {
  if (name in {}) throw invalidField('/name', `"${name}" cannot name a field. Take another name.`);
}

function checkChoices(type: string, choices: string[]): void {
  if (type === 'choice' && choices.length === 0)
    throw invalidField('/choices', 'A field of type choice has at least one choice.');
  if (type !== 'choice' && choices.length > 0)
    throw invalidField('/choices', `Only a field of type choice has choices; this one is of type ${type}.`);
}

function taken(what: string, name: string): AppError {
  const detail = `There is a ${what} "${name}" already.`;
  return new AppError('conflict', { detail, errors: [{ pointer: '/name', detail }] });
}

const presentTag = ({ tenantId: _, ...view }: Tag): TagView => view;

const presentField = ({ tenantId: _, type, ...view }: CustomField): CustomFieldView => ({
  ...view,
  type: type as CustomFieldType,
});
