import { Injectable } from '@nestjs/common';
import { conditions } from '../crm/contact-conditions.store.js';
import { ContactFilterReader } from '../crm/contact-filter-reader.js';
import { PrismaService } from '../database/prisma.service.js';
import { type ExportColumn, isoTime } from './export-column.js';
import type { ContactExportFilter } from './export-filters.dto.js';
import { place } from './row-conditions.js';
import type { Conditions, RowSource } from './row-source.js';

const TAGS = 'contact_tags ct join tags t on t.tenant_id = ct.tenant_id and t.id = ct.tag_id';
const OF_CONTACT = 'ct.tenant_id = c.tenant_id and ct.contact_id = c.id';
const FULL_NAME = "nullif(concat_ws(' ', nullif(c.first_name, ''), nullif(c.last_name, '')), '')";

/** What a contact has: the FlowKick guide's `user`, key by key (crm/flowkick-user), and flat names for CSV. */
const CONTACT: readonly ExportColumn[] = [
  { name: 'id', sql: 'c.id', kind: 'text' },
  { name: 'manychatId', sql: 'c.manychat_id', kind: 'text' },
  { name: 'instagramUsername', sql: 'c.instagram_username', kind: 'text' },
  { name: 'instagramId', sql: 'c.instagram_id', kind: 'text' },
  { name: 'firstName', sql: 'c.first_name', kind: 'text' },
  { name: 'lastName', sql: 'c.last_name', kind: 'text' },
  { name: 'fullName', sql: FULL_NAME, kind: 'text' },
  { name: 'email', sql: 'c.email', kind: 'text' },
  { name: 'phone', sql: 'c.phone', kind: 'text' },
  { name: 'whatsappPhone', sql: 'c.whatsapp_phone', kind: 'text' },
  { name: 'gender', sql: 'c.gender', kind: 'text' },
  { name: 'locale', sql: 'c.locale', kind: 'text' },
  { name: 'timezone', sql: 'c.timezone', kind: 'text' },
  { name: 'profilePic', sql: 'c.profile_pic', kind: 'text' },
  { name: 'optInMessenger', path: 'optIns.messenger', sql: 'c.opt_in_messenger', kind: 'boolean' },
  { name: 'optInInstagram', path: 'optIns.instagram', sql: 'c.opt_in_instagram', kind: 'boolean' },
  { name: 'optInWhatsapp', path: 'optIns.whatsapp', sql: 'c.opt_in_whatsapp', kind: 'boolean' },
  { name: 'optInTelegram', path: 'optIns.telegram', sql: 'c.opt_in_telegram', kind: 'boolean' },
  { name: 'exportConsentGiven', path: 'exportConsent.given', sql: 'c.export_consent_given', kind: 'boolean' },
  { name: 'exportConsentAt', path: 'exportConsent.at', sql: 'c.export_consent_at', kind: 'time' },
  {
    name: 'tags',
    sql: `select string_agg(t.name, ',' order by ct.applied_at, t.name) from ${TAGS} where ${OF_CONTACT}`,
    kind: 'text',
    only: 'csv',
  },
  {
    name: 'tags',
    sql: `select coalesce(json_agg(json_build_object('id', t.id, 'name', t.name, 'appliedAt', ${isoTime('ct.applied_at')})
            order by ct.applied_at, t.name), '[]') from ${TAGS} where ${OF_CONTACT}`,
    kind: 'json',
    only: 'json',
  },
  {
    name: 'customFields',
    sql: "select coalesce(json_object_agg(key, value), '{}') from jsonb_each_text(c.custom_fields)",
    kind: 'json',
    only: 'json',
  },
  { name: 'messagesCount', path: 'interactions.messagesCount', sql: 'c.messages_count', kind: 'number' },
  { name: 'commentsCount', path: 'interactions.commentsCount', sql: 'c.comments_count', kind: 'number' },
  { name: 'storiesCount', path: 'interactions.storiesCount', sql: 'c.stories_count', kind: 'number' },
  {
    name: 'totalCount',
    path: 'interactions.totalCount',
    sql: 'c.messages_count + c.comments_count + c.stories_count',
    kind: 'number',
  },
  { name: 'lastUpdated', path: 'interactions.lastUpdated', sql: 'c.interactions_updated_at', kind: 'time' },
  { name: 'bookingsCount', path: 'stats.bookingsCount', sql: 'c.bookings_count', kind: 'number' },
  { name: 'qrScansCount', path: 'stats.qrScansCount', sql: 'c.qr_scans_count', kind: 'number' },
  { name: 'conversationsCount', path: 'stats.conversationsCount', sql: 'c.conversations_count', kind: 'number' },
  { name: 'lastBooking', path: 'stats.lastBooking', sql: 'c.last_booking_at', kind: 'time' },
  { name: 'lastSynced', path: 'stats.lastSynced', sql: 'c.last_synced_at', kind: 'time' },
  { name: 'subscribedAt', path: 'timestamps.subscribedAt', sql: 'c.subscribed_at', kind: 'time' },
  { name: 'createdAt', path: 'timestamps.createdAt', sql: 'c.created_at', kind: 'time' },
  { name: 'updatedAt', path: 'timestamps.updatedAt', sql: 'c.updated_at', kind: 'time' },
  belonging('bookings', 'bookings b left join tools o on o.tenant_id = b.tenant_id and o.id = b.tool_id', 'b', {
    id: 'b.id',
    toolId: 'b.tool_id',
    tool: "case when o.id is not null then json_build_object('id', o.id, 'name', o.name) end",
    startTime: isoTime('b.start_time'),
    endTime: isoTime('b.end_time'),
    status: 'b.status',
    notes: 'b.notes',
    createdAt: isoTime('b.created_at'),
    updatedAt: isoTime('b.updated_at'),
  }),
  belonging('qrCodes', 'qr_codes q', 'q', {
    id: 'q.id',
    code: 'q.code',
    purpose: 'q.purpose',
    scanCount: 'q.scan_count',
    scannedAt: isoTime('q.scanned_at'),
    scannedBy: 'q.scanned_by',
    validatedAt: isoTime('q.validated_at'),
    validatedBy: 'q.validated_by',
    expiresAt: isoTime('q.expires_at'),
    createdAt: isoTime('q.created_at'),
  }),
  belonging('interactionHistory', 'interactions i', 'i', {
    id: 'i.id',
    kind: 'i.kind',
    channel: 'i.channel',
    text: 'i.text',
    occurredAt: isoTime('i.occurred_at'),
  }),
  belonging('conversations', 'conversations v', 'v', {
    id: 'v.id',
    channel: 'v.channel',
    title: 'v.title',
    status: 'v.status',
    messageCount: 'v.message_count',
    lastMessageAt: isoTime('v.last_message_at'),
    createdAt: isoTime('v.created_at'),
    messages: `(select coalesce(json_agg(json_build_object('direction', m.direction, 'author', m.author, 'type', m.type, 'text', m.text,
                 'sentAt', ${isoTime('m.sent_at')}) order by m.id), '[]')
               from messages m where m.tenant_id = v.tenant_id and m.conversation_id = v.id)`,
  }),
];

/** What belongs to a contact, newest first, as a list in its JSON: the shapes of the users API (dialects/flowkick-users). */
function belonging(name: string, from: string, alias: string, members: Record<string, string>): ExportColumn {
  const object = Object.entries(members).flatMap(([member, sql]) => [`'${member}'`, sql]);
  return {
    name,
    sql: `select coalesce(json_agg(json_build_object(${object.join(', ')}) order by ${alias}.id desc), '[]')
          from ${from} where ${alias}.tenant_id = c.tenant_id and ${alias}.contact_id = c.id`,
    kind: 'json',
    only: 'json',
    optional: true,
  };
}

@Injectable()
export class ContactRows implements RowSource {
  readonly resource = 'contacts';
  readonly scope = 'data:read';
  readonly rowsAtOnce = 500;
  readonly from = 'contacts c';
  readonly key = ['c.id'];

  constructor(
    private readonly prisma: PrismaService,
    private readonly reader: ContactFilterReader,
  ) {}

  /** In CSV each custom field of the tenant is a column of its own, after the tags. */
  async columns(tenantId: string): Promise<ExportColumn[]> {
    const fields = await this.prisma.customField.findMany({ where: { tenantId }, orderBy: { name: 'asc' } });
    const custom = fields.map(
      ({ name }): ExportColumn => ({
        name: `customFields.${name}`,
        sql: (values) => `c.custom_fields ->> ${place(values, name, 'text')}`,
        kind: 'text',
        only: 'csv',
      }),
    );
    const afterTags = CONTACT.findIndex((column) => column.name === 'customFields');
    return CONTACT.toSpliced(afterTags, 0, ...custom);
  }

  async conditions(
    tenantId: string,
    filters: ContactExportFilter,
    pointerOf: (name: string) => string,
  ): Promise<Conditions> {
    const filter = await this.reader.read(tenantId, filters, pointerOf);
    return (values) => conditions(tenantId, filter, values, 'gathered');
  }
}
