import { Injectable } from '@nestjs/common';
import type { Transaction } from '../database/prisma.service.js';
import { Prisma } from '../generated/prisma/client.js';
import { missingReference } from './crm-rows.js';

/** What a contact carries as totals of the rows that belong to it. */
const TOTALS = {
  bookings: Prisma.sql`
    bookings_count = (select count(*) from bookings b where b.tenant_id = c.tenant_id and b.contact_id = c.id),
    last_booking_at = (
      select max(b.start_time) from bookings b
      where b.tenant_id = c.tenant_id and b.contact_id = c.id and b.status <> 'cancelled')`,
  qrScans: Prisma.sql`
    qr_scans_count = (
      select coalesce(sum(q.scan_count), 0) from qr_codes q where q.tenant_id = c.tenant_id and q.contact_id = c.id)`,
  conversations: Prisma.sql`
    conversations_count = (
      select count(*) from conversations v where v.tenant_id = c.tenant_id and v.contact_id = c.id)`,
};

/** The totals on contacts. They are counted anew and not added to, so that they are right whatever was moved or removed. */
@Injectable()
export class ContactTotalsStore {
  /**
   * Holds contacts until the transaction ends: nobody removes them, and of two that write what belongs to one the second counts
   * what the first wrote. Hold before writing, recount after it.
   * @returns whether the tenant has all of them
   */
  async hold(tx: Transaction, tenantId: string, ids: readonly (string | null)[]): Promise<boolean> {
    const wanted = [...new Set(ids)].filter((id) => id !== null);
    if (wanted.length === 0) return true;
    const rows = await tx.$queryRaw<unknown[]>`
      select 1 from contacts where tenant_id = ${tenantId}::uuid and id = any(${wanted}::uuid[])
      order by id for no key update`;
    return rows.length === wanted.length;
  }

  /** The same for the contact that a request names in `contactId`. @throws AppError not_found */
  async holdNamed(tx: Transaction, tenantId: string, id: string | null | undefined): Promise<void> {
    if (id && !(await this.hold(tx, tenantId, [id]))) throw missingReference('/contactId', 'contact', id);
  }

  async recount(
    tx: Transaction,
    tenantId: string,
    what: keyof typeof TOTALS,
    ids: readonly (string | null)[],
  ): Promise<void> {
    const wanted = [...new Set(ids)].filter((id) => id !== null);
    if (wanted.length === 0) return;
    await tx.$executeRaw`
      update contacts c set ${TOTALS[what]} where c.tenant_id = ${tenantId}::uuid and c.id = any(${wanted}::uuid[])`;
  }
}
