import { Injectable } from '@nestjs/common';
import { PrismaService } from '../database/prisma.service.js';
import type { Interaction, QrCode } from '../generated/prisma/client.js';

const MOST_OF_EACH = 100;

/** What belongs to the contacts of a page, newest first, loaded for all of them at once. */
@Injectable()
export class ContactBelongingsStore {
  constructor(private readonly prisma: PrismaService) {}

  /** With what they are for. */
  async bookings(tenantId: string, contactIds: string[]) {
    const rows = await this.prisma.booking.findMany({
      where: { tenantId, contactId: { in: contactIds } },
      orderBy: { id: 'desc' },
    });
    const toolIds = [...new Set(rows.flatMap(({ toolId }) => (toolId === null ? [] : [toolId])))];
    const tools = await this.prisma.tool.findMany({
      where: { tenantId, id: { in: toolIds } },
      select: { id: true, name: true },
    });
    const byId = new Map(tools.map((tool) => [tool.id, tool]));
    return byContact(rows.map((row) => ({ ...row, tool: byId.get(row.toolId ?? '') ?? null })));
  }

  async qrCodes(tenantId: string, contactIds: string[]): Promise<Map<string, QrCode[]>> {
    const where = { tenantId, contactId: { in: contactIds } };
    return byContact(await this.prisma.qrCode.findMany({ where, orderBy: { id: 'desc' } }));
  }

  /** The last hundred of each. */
  async interactions(tenantId: string, contactIds: string[]): Promise<Map<string, Interaction[]>> {
    const rows = await this.prisma.$queryRaw<Interaction[]>`
      select i.id, i.tenant_id as "tenantId", i.contact_id as "contactId", i.kind, i.channel, i.text, i.occurred_at as "occurredAt"
      from unnest(${contactIds}::uuid[]) as wanted(id), lateral (
        select * from interactions where tenant_id = ${tenantId}::uuid and contact_id = wanted.id
        order by id desc limit ${MOST_OF_EACH}) i
      order by i.id desc`;
    return byContact(rows);
  }
}

function byContact<Row extends { contactId: string | null }>(rows: Row[]): Map<string, Row[]> {
  const found = new Map<string, Row[]>();
  for (const row of rows) found.set(row.contactId ?? '', [...(found.get(row.contactId ?? '') ?? []), row]);
  return found;
}
