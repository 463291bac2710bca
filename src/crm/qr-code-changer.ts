import { randomInt } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ContactTotalsStore } from './contact-totals.store.js';
import { changesBetween, conflicts, found, withoutUndefined } from './crm-rows.js';
import type { Write } from './crm-writer.js';
import { type QrCode, QrCodeStore, type QrCodeValues } from './qr-code.store.js';

const FIELDS = ['contactId', 'purpose', 'expiresAt'] as const;
/** No letters and digits that are taken for each other: a code is also read out and typed. */
const ALPHABET = '23456789ABCDEFGHJKMNPQRSTUVWXYZ';
const GENERATED_LENGTH = 12;

/** Writes QR codes as part of a transaction, counts their scans on the contact they belong to, and tells of them. */
@Injectable()
export class QrCodeChanger {
  constructor(
    private readonly store: QrCodeStore,
    private readonly totals: ContactTotalsStore,
  ) {}

  /** Without a code one is made up that nobody guesses. @throws AppError not_found (contact), conflict (code) */
  async create(write: Write, tenantId: string, values: Partial<QrCodeValues>): Promise<QrCode> {
    const { tx, now } = write;
    const code = values.code ?? newCode();
    await this.totals.holdNamed(tx, tenantId, values.contactId);
    const qrCode = await this.store.create(tx, tenantId, { ...values, code }, now);
    if (!qrCode) throw conflicts('/code', `There is a QR code "${code}" already.`);
    return qrCode;
  }

  /** A code that goes to another contact takes its scans along. @throws AppError not_found (code, contact) */
  async update(
    write: Write,
    tenantId: string,
    code: string,
    said: Partial<Omit<QrCodeValues, 'code'>>,
  ): Promise<QrCode> {
    const { tx, now } = write;
    const current = found(await this.store.lock(tx, tenantId, code), 'QR code', code);
    const values = withoutUndefined(said);
    const changes = changesBetween(current, values, FIELDS);
    if (Object.keys(changes).length === 0) return current;
    if (changes.contactId) {
      await this.totals.holdNamed(tx, tenantId, values.contactId);
      await this.totals.hold(tx, tenantId, [current.contactId]);
    }
    const qrCode = await this.store.update(tx, tenantId, current.id, values, now);
    if (changes.contactId) await this.totals.recount(tx, tenantId, 'qrScans', [current.contactId, qrCode.contactId]);
    return qrCode;
  }

  /** Its scans no longer count for the contact. @throws AppError not_found */
  async delete(write: Write, tenantId: string, code: string): Promise<void> {
    const { tx } = write;
    const qrCode = found(await this.store.lock(tx, tenantId, code), 'QR code', code);
    await this.totals.hold(tx, tenantId, [qrCode.contactId]);
    await this.store.delete(tx, tenantId, qrCode.id);
    await this.totals.recount(tx, tenantId, 'qrScans', [qrCode.contactId]);
  }

  /**
   * One more scan; a code may be scanned any number of times, also when it was validated.
   * @param scannedBy the id the scanning application gives @throws AppError not_found, conflict (expired)
   */
  async scan(write: Write, tenantId: string, code: string, scannedBy: string | null): Promise<QrCode> {
    const { tx, now } = write;
    const current = found(await this.store.lock(tx, tenantId, code), 'QR code', code);
    checkNotExpired(current, now);
    await this.totals.hold(tx, tenantId, [current.contactId]);
    const values = { scanCount: current.scanCount + 1, scannedAt: now, scannedBy };
    const qrCode = await this.store.update(tx, tenantId, current.id, values, now);
    await this.totals.recount(tx, tenantId, 'qrScans', [qrCode.contactId]);
    write.tell({ kind: 'qr-scanned', qrCode, scannedBy });
    return qrCode;
  }

  /** Redeems it: that can be done once. @throws AppError not_found, conflict (validated already, expired) */
  async validate(write: Write, tenantId: string, code: string, validatedBy: string | null): Promise<QrCode> {
    const { tx, now } = write;
    const current = found(await this.store.lock(tx, tenantId, code), 'QR code', code);
    const { validatedAt } = current;
    if (validatedAt) {
      const by = current.validatedBy === null ? '' : ` by "${current.validatedBy}"`;
      throw conflicts(
        '',
        `The QR code "${code}" was validated at ${validatedAt.toISOString()}${by}: that can be done once.`,
      );
    }
    checkNotExpired(current, now);
    const qrCode = await this.store.update(tx, tenantId, current.id, { validatedAt: now, validatedBy }, now);
    write.tell({ kind: 'qr-validated', qrCode });
    return qrCode;
  }
}

function checkNotExpired({ code, expiresAt }: QrCode, now: Date): void {
  if (expiresAt && expiresAt <= now)
    throw conflicts('', `The QR code "${code}" expired at ${expiresAt.toISOString()}.`);
}

function newCode(): string {
  return Array.from({ length: GENERATED_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}
