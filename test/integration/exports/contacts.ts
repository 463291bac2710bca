import { newId } from '../../../src/core/ids.js';
import type { Api } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';

/** A contact's row, whose columns may be given by their names in the database. @returns its id */
export async function insertContact(
  database: TestDatabase,
  tenantId: string,
  columns: Record<string, unknown> = {},
): Promise<string> {
  const row = { id: newId(), tenant_id: tenantId, created_at: new Date(), updated_at: new Date(), ...columns };
  const names = Object.keys(row);
  await database.query(
    `insert into contacts (${names.join(', ')}) values (${names.map((_, i) => `$${i + 1}`).join(', ')})`,
    Object.values(row),
  );
  return row.id as string;
}

export async function insertTag(database: TestDatabase, tenantId: string, name: string, contactIds: string[]) {
  const id = newId();
  await database.query('insert into tags (id, tenant_id, name) values ($1, $2, $3)', [id, tenantId, name]);
  await database.query(
    `insert into contact_tags (tenant_id, contact_id, tag_id, applied_at) select $1, unnest($2::uuid[]), $3, '2025-11-06T09:00:00Z'`,
    [tenantId, contactIds, id],
  );
  return id;
}

/** Many contacts at once, as they might have been made. */
export async function fillContacts(database: TestDatabase, tenantId: string, count: number): Promise<void> {
  await database.query(
    `insert into contacts (id, tenant_id, email, first_name, last_name, phone, whatsapp_phone, locale, timezone, manychat_id,
                           instagram_username, opt_in_messenger, export_consent_given, export_consent_at, custom_fields, created_at, updated_at)
     select lpad(to_hex(i), 32, '0')::uuid, $1, 'person' || i || '@example.com', 'First' || i, 'Last, "' || i, '+1555' || i, '+1555' || i,
            'en_US', 'America/New_York', i::text, 'user' || i, i % 2 = 0, true, now(),
            jsonb_build_object('favorite_drink', 'latte', 'visit_count', i), now(), now()
     from generate_series(1, $2::int) i`,
    [tenantId, count],
  );
}

export async function defineCustomField(database: TestDatabase, tenantId: string, name: string, type = 'text') {
  await database.query(
    'insert into custom_fields (id, tenant_id, name, type, updated_at) values ($1, $2, $3, $4, now())',
    [newId(), tenantId, name, type],
  );
}

/** What the audit log says of one export, newest first. */
export async function actsOn(
  api: Api,
  exportId: string,
): Promise<{ action: string; details: Record<string, unknown> }[]> {
  const { data } = await api.get('/api/v1/audit-log?limit=200');
  return data.filter(({ target }: { target: { id: string } }) => target.id === exportId);
}
