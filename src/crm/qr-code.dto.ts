import { IsOptional, IsUUID, Matches } from 'class-validator';
import { PageQuery } from '../http/pagination.dto.js';
import { IsFlag, IsText, IsTime, MayBeAbsent } from './crm-fields.dto.js';
import type { QrCode } from './qr-code.store.js';

/** A code that goes to another contact takes along the scans it has. */
export class UpdateQrCode {
  /** Whom it belongs to. */
  @IsOptional()
  @IsUUID()
  contactId?: string | null;

  /** What it is for: `free-coffee`. */
  @MayBeAbsent()
  @IsText(200)
  purpose?: string;

  /** From then on it is neither scanned nor validated. */
  @IsOptional()
  @IsTime()
  expiresAt?: Date | null;
}

export class CreateQrCode extends UpdateQrCode {
  /** 1 to 100 letters, digits and `. _ ~ : -`: it stands in URLs. One that nobody guesses is made when absent. */
  @MayBeAbsent()
  @Matches(/^[A-Za-z0-9._~:-]{1,100}$/, { message: 'code is 1 to 100 letters, digits or . _ ~ : -' })
  code?: string;
}

export class ScanQrCode {
  /** The id that the scanning application has for whoever scans. */
  @IsOptional()
  @IsText(200, 1)
  scannedBy?: string | null;
}

export class ValidateQrCode {
  /** The id that the validating application has for whoever validates. */
  @IsOptional()
  @IsText(200, 1)
  validatedBy?: string | null;
}

export class QrCodeQuery extends PageQuery {
  @MayBeAbsent()
  @IsUUID()
  contactId?: string;

  @MayBeAbsent()
  @IsText(200)
  purpose?: string;

  /** Whether it was scanned at all. */
  @MayBeAbsent()
  @IsFlag()
  scanned?: boolean;

  @MayBeAbsent()
  @IsFlag()
  validated?: boolean;
}

export class QrCodeView {
  id: string;
  tenantId: string;
  code: string;
  contactId: string | null;
  purpose: string;
  scanCount: number;
  /** The latest scan; null when there was none. */
  scannedAt: Date | null;
  scannedBy: string | null;
  validatedAt: Date | null;
  validatedBy: string | null;
  expiresAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

export function presentQrCode(qrCode: QrCode): QrCodeView {
  const { id, tenantId, code, contactId, purpose, scanCount, scannedAt, scannedBy } = qrCode;
  const { validatedAt, validatedBy, expiresAt, createdAt, updatedAt } = qrCode;
  return {
    id,
    tenantId,
    code,
    contactId,
    purpose,
    scanCount,
    scannedAt,
    scannedBy,
    validatedAt,
    validatedBy,
    expiresAt,
    createdAt,
    updatedAt,
  };
}
