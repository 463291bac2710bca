import { Injectable } from '@nestjs/common';
import { AppError, invalidField, notFound } from '../core/errors.js';
import { isUuid } from '../core/ids.js';
import { cursorId, type Page, type PageQuery, pageOf } from '../http/pagination.dto.js';
import { TenantSettings } from '../tenants/tenant-settings.js';
import type {
  ContactConsentView,
  ContactFilterQuery,
  CreateContact,
  CreateInteraction,
  InteractionKind,
  InteractionView,
  UpdateContact,
} from './contact.dto.js';
import { ContactStore } from './contact.store.js';
import { ContactChanger } from './contact-changer.js';
import { checkContact, checkTagName } from './contact-checker.js';
import type { ContactTotal } from './contact-count.store.js';
import { type ContactOrder, NEWEST_FIRST } from './contact-filter.js';
import { type ContactFilterInput, ContactFilterReader } from './contact-filter-reader.js';
import { ContactListStore, type PageRequest } from './contact-list.store.js';
import type { ContactPatch } from './contact-patch.js';
import { ContactViewStore } from './contact-view.store.js';
import { CrmWriter, type Write } from './crm-writer.js';
import type { ChangeOrigin, FullContact } from './domain-change.js';
import { type Interaction, InteractionStore } from './interaction.store.js';

const COUNTER = { message: 'messagesCount', comment: 'commentsCount', story: 'storiesCount' } as const;

/** How many there are on all pages comes with each. */
export interface ContactPage extends ContactTotal {
  rows: FullContact[];
  hasMore: boolean;
}

/** Contacts of a tenant. All three APIs (native, FlowKick, CRM) come through here. */
@Injectable()
export class ContactService {
  constructor(
    private readonly writer: CrmWriter,
    private readonly changer: ContactChanger,
    private readonly contacts: ContactStore,
    private readonly views: ContactViewStore,
    private readonly lists: ContactListStore,
    private readonly filters: ContactFilterReader,
    private readonly interactions: InteractionStore,
    private readonly settings: TenantSettings,
  ) {}

  async create(tenantId: string, origin: ChangeOrigin, input: CreateContact): Promise<FullContact> {
    const patch = await this.checked(tenantId, input);
    return this.writer.write(tenantId, origin, async (write) => {
      const { id } = await this.changer.create(write, tenantId, patch);
      return this.full(write, tenantId, id);
    });
  }

  /** Absent fields stay as they are, null clears. */
  async update(tenantId: string, origin: ChangeOrigin, id: string, input: UpdateContact): Promise<FullContact> {
    const patch = await this.checked(tenantId, input);
    return this.change(tenantId, origin, id, patch);
  }

  async delete(tenantId: string, origin: ChangeOrigin, id: string): Promise<void> {
    if (!isUuid(id)) throw notFound('contact', id);
    await this.writer.write(tenantId, origin, (write) => this.changer.delete(write, tenantId, id));
  }

  async get(tenantId: string, id: string): Promise<FullContact> {
    const contact = isUuid(id) ? await this.views.get(tenantId, id) : null;
    if (!contact) throw notFound('contact', id);
    return contact;
  }

  /** Newest first. */
  async list(tenantId: string, query: ContactFilterQuery): Promise<Page<FullContact>> {
    const after = query.cursor === undefined ? undefined : placeOf(query.cursor);
    const { rows, hasMore } = await this.page(tenantId, query, NEWEST_FIRST, { after, limit: query.limit });
    const last = rows.at(-1);
    return { data: rows, nextCursor: hasMore && last ? cursorBehind(last) : null };
  }

  /** @param request.afterId the contact to go on behind */
  async pageOf(
    tenantId: string,
    query: ContactFilterInput,
    order: ContactOrder,
    { afterId, ...request }: { limit: number; offset?: number; afterId?: string },
  ): Promise<ContactPage> {
    if (afterId === undefined) return this.page(tenantId, query, order, request);
    const after = await this.lists.keysOf(tenantId, order, afterId);
    if (!after) {
      throw invalidField(
        '?cursor',
        `There is no contact with the id "${afterId}" in this tenant to go on behind. Begin without a cursor.`,
      );
    }
    return this.page(tenantId, query, order, { ...request, after });
  }

  private async page(
    tenantId: string,
    query: ContactFilterInput,
    order: ContactOrder,
    request: PageRequest,
  ): Promise<ContactPage> {
    const { limit } = request;
    const filter = await this.filters.read(tenantId, query);
    const { rows, ...total } = await this.lists.page(tenantId, filter, order, { ...request, limit: limit + 1 });
    const page = await this.views.withTags(tenantId, rows.slice(0, limit));
    return { ...total, rows: page, hasMore: rows.length > limit };
  }

  async addTag(tenantId: string, origin: ChangeOrigin, id: string, name: string): Promise<FullContact> {
    const tag = checkTagName(name, '/name', (pointer, detail) => {
      throw invalidField(pointer, detail);
    });
    return this.change(tenantId, origin, id, { tags: { add: [tag] } });
  }

  /** Nothing happens where the contact has no such tag. */
  async removeTag(tenantId: string, origin: ChangeOrigin, id: string, name: string): Promise<void> {
    await this.change(tenantId, origin, id, { tags: { remove: [name] } });
  }

  /** Stores what the contact did and counts it. */
  async recordInteraction(
    tenantId: string,
    origin: ChangeOrigin,
    id: string,
    { kind, channel = null, text = null, occurredAt }: CreateInteraction,
  ): Promise<InteractionView> {
    if (!isUuid(id)) throw notFound('contact', id);
    if (`${channel}${text}`.includes('\u0000')) throw invalidField('/text', 'NUL characters cannot be stored.');
    return this.writer.write(tenantId, origin, async (write) => {
      const { tx, now } = write;
      const current = await this.contacts.lock(tx, tenantId, id);
      if (!current) throw notFound('contact', id);
      const at = occurredAt === undefined ? now : new Date(occurredAt);
      const counter = COUNTER[kind];
      const count = { old: current[counter], new: current[counter] + 1 };
      const row = { [counter]: count.new, interactionsUpdatedAt: now };
      const contact = await this.contacts.update(tx, tenantId, id, row, now);
      const nothing = { customFields: [], tagsAdded: [], tagsRemoved: [] };
      write.tell({ kind: 'contact-updated', contact, changes: { [counter]: count }, ...nothing });
      return presentInteraction(
        await this.interactions.create(tx, tenantId, id, { kind, channel, text, occurredAt: at }),
      );
    });
  }

  async listInteractions(tenantId: string, id: string, query: PageQuery): Promise<Page<InteractionView>> {
    await this.get(tenantId, id);
    const rows = await this.interactions.list(tenantId, id, cursorId(query), query.limit + 1);
    return pageOf(rows, query.limit, presentInteraction);
  }

  async listConsents(tenantId: string, id: string, query: PageQuery): Promise<Page<ContactConsentView>> {
    await this.get(tenantId, id);
    const rows = await this.interactions.listConsents(tenantId, id, cursorId(query), query.limit + 1);
    return pageOf(rows, query.limit, ({ tenantId: _tenant, contactId: _contact, ...consent }) => consent);
  }

  private change(tenantId: string, origin: ChangeOrigin, id: string, patch: ContactPatch): Promise<FullContact> {
    if (!isUuid(id)) throw notFound('contact', id);
    return this.writer.write(tenantId, origin, async (write) => {
      await this.changer.update(write, tenantId, id, patch);
      return this.full(write, tenantId, id);
    });
  }

  private async checked(tenantId: string, input: CreateContact): Promise<ContactPatch> {
    const { defaultCountry } = await this.settings.get(tenantId);
    return checkContact(input, defaultCountry);
  }

  private async full({ tx }: Write, tenantId: string, id: string): Promise<FullContact> {
    const contact = await this.views.find(tx, tenantId, id);
    if (!contact) throw new AppError('internal');
    return contact;
  }
}

/** Where a page ends, told so that the next begins there also when that contact is deleted meanwhile. */
const cursorBehind = ({ createdAt, id }: FullContact) =>
  Buffer.from(`${createdAt.getTime()} ${id}`).toString('base64url');

function placeOf(cursor: string): [Date, string] {
  const [time = '', id, ...more] = Buffer.from(cursor, 'base64url').toString().split(' ');
  const at = new Date(/^\d{1,15}$/.test(time) ? Number(time) : Number.NaN);
  if (!isUuid(id) || more.length > 0 || Number.isNaN(at.getTime())) {
    throw invalidField(
      '?cursor',
      'The cursor is not one this list gave: pass nextCursor of the page before, unchanged.',
    );
  }
  return [at, id];
}

function presentInteraction({ tenantId: _, kind, ...interaction }: Interaction): InteractionView {
  return { ...interaction, kind: kind as InteractionKind };
}
