import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { Prisma, Booking as Row } from '../generated/prisma/client.js';
import type { BookingStatus } from './booking-state.js';

export interface Booking extends Omit<Row, 'status' | 'metadata'> {
  status: BookingStatus;
  metadata: Record<string, unknown>;
}

export interface BookingValues {
  contactId: string;
  toolId: string | null;
  startTime: Date;
  endTime: Date;
  status: BookingStatus;
  notes: string | null;
  cancelReason: string | null;
  cancelledAt: Date | null;
  externalId: string | null;
  metadata: Record<string, unknown>;
}

export interface BookingFilter {
  contactId?: string;
  toolId?: string;
  status?: BookingStatus;
  externalId?: string;
  startsFrom?: Date;
  startsBefore?: Date;
}

const columns = <Values extends Partial<BookingValues>>({ metadata, ...values }: Values) => ({
  ...values,
  metadata: metadata as Prisma.InputJsonObject | undefined,
});

@Injectable()
export class BookingStore {
  constructor(private readonly prisma: PrismaService) {}

  /** Null when the external id is taken. */
  async create(
    tx: Transaction,
    tenantId: string,
    values: Partial<BookingValues> & Pick<BookingValues, 'contactId' | 'startTime' | 'endTime'>,
    now: Date,
  ): Promise<Booking | null> {
    const [made] = await tx.booking.createManyAndReturn({
      data: [{ ...columns(values), id: newId(), tenantId, createdAt: now, updatedAt: now }],
      skipDuplicates: true,
    });
    return (made as Booking | undefined) ?? null;
  }

  async find(tenantId: string, id: string): Promise<Booking | null> {
    return (await this.prisma.booking.findUnique({ where: { id, tenantId } })) as Booking | null;
  }

  /** As it is, and nobody changes it until the transaction ends. */
  async lock(tx: Transaction, tenantId: string, id: string): Promise<Booking | null> {
    await tx.$queryRaw`select 1 from bookings where tenant_id = ${tenantId}::uuid and id = ${id}::uuid for update`;
    return (await tx.booking.findUnique({ where: { id, tenantId } })) as Booking | null;
  }

  async lockByExternalId(tx: Transaction, tenantId: string, externalId: string): Promise<Booking | null> {
    const where = { tenantId_externalId: { tenantId, externalId } };
    const row = await tx.booking.findUnique({ where, select: { id: true } });
    return row && this.lock(tx, tenantId, row.id);
  }

  /** Newest first. */
  async list(
    tenantId: string,
    { startsFrom, startsBefore, ...filter }: BookingFilter,
    belowId: string | undefined,
    take: number,
  ): Promise<Booking[]> {
    const rows = await this.prisma.booking.findMany({
      where: { tenantId, ...filter, startTime: { gte: startsFrom, lt: startsBefore }, id: { lt: belowId } },
      orderBy: { id: 'desc' },
      take,
    });
    return rows as Booking[];
  }

  async update(
    tx: Transaction,
    tenantId: string,
    id: string,
    values: Partial<BookingValues>,
    now: Date,
  ): Promise<Booking> {
    const data = { ...columns(values), updatedAt: now };
    return (await tx.booking.update({ where: { id, tenantId }, data })) as Booking;
  }

  async delete(tx: Transaction, tenantId: string, id: string): Promise<void> {
    await tx.booking.deleteMany({ where: { id, tenantId } });
  }
}
