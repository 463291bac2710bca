import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { QrCode } from '../generated/prisma/client.js';
import { presence } from './crm-rows.js';

export type { QrCode };

/** What a person says of a code; scans and the validation are counted here. */
export interface QrCodeValues {
  code: string;
  contactId: string | null;
  purpose: string;
  expiresAt: Date | null;
}

export interface QrCodeFilter {
  code?: string;
  contactId?: string;
  purpose?: string;
  scanned?: boolean;
  validated?: boolean;
}

@Injectable()
export class QrCodeStore {
  constructor(private readonly prisma: PrismaService) {}

  /** Null when the code is taken. */
  async create(
    tx: Transaction,
    tenantId: string,
    values: Partial<QrCodeValues> & { code: string },
    now: Date,
  ): Promise<QrCode | null> {
    const [made] = await tx.qrCode.createManyAndReturn({
      data: [{ ...values, id: newId(), tenantId, createdAt: now, updatedAt: now }],
      skipDuplicates: true,
    });
    return made ?? null;
  }

  find(tenantId: string, code: string): Promise<QrCode | null> {
    return this.prisma.qrCode.findUnique({ where: { tenantId_code: { tenantId, code } } });
  }

  /** As it is, and nobody changes it until the transaction ends. */
  async lock(tx: Transaction, tenantId: string, code: string): Promise<QrCode | null> {
    await tx.$queryRaw`select 1 from qr_codes where tenant_id = ${tenantId}::uuid and code = ${code} for update`;
    return tx.qrCode.findUnique({ where: { tenantId_code: { tenantId, code } } });
  }

  /** Newest first. */
  list(
    tenantId: string,
    { scanned, validated, ...filter }: QrCodeFilter,
    belowId: string | undefined,
    take: number,
  ): Promise<QrCode[]> {
    return this.prisma.qrCode.findMany({
      where: {
        tenantId,
        ...filter,
        scannedAt: presence(scanned),
        validatedAt: presence(validated),
        id: { lt: belowId },
      },
      orderBy: { id: 'desc' },
      take,
    });
  }

  update(
    tx: Transaction,
    tenantId: string,
    id: string,
    values: Partial<Omit<QrCode, 'id' | 'tenantId'>>,
    now: Date,
  ): Promise<QrCode> {
    return tx.qrCode.update({ where: { id, tenantId }, data: { ...values, updatedAt: now } });
  }

  async delete(tx: Transaction, tenantId: string, id: string): Promise<void> {
    await tx.qrCode.deleteMany({ where: { id, tenantId } });
  }
}
