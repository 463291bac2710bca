import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import type { Page } from '../http/pagination.dto.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import { CurrentOrigin } from './change-origin.decorator.js';
import type { ChangeOrigin } from './domain-change.js';
import { CreateQrCode, QrCodeQuery, QrCodeView, ScanQrCode, UpdateQrCode, ValidateQrCode } from './qr-code.dto.js';
import { QrCodeService } from './qr-code.service.js';

@ApiTags('QR codes')
@Controller('api/v1/qr-codes')
export class QrCodeController {
  constructor(private readonly qrCodes: QrCodeService) {}

  /** Create a QR code. */
  @Post()
  @RequireScope('data:write')
  @Audited('qr-code.created')
  create(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Body() input: CreateQrCode,
  ): Promise<QrCodeView> {
    return this.qrCodes.create(tenantId, origin, input);
  }

  /** List QR codes, newest first. */
  @Get()
  @RequireScope('data:read')
  @ApiPage(QrCodeView)
  list(@CurrentTenant() tenantId: string, @Query() query: QrCodeQuery): Promise<Page<QrCodeView>> {
    return this.qrCodes.list(tenantId, query);
  }

  /** Show the QR code that says this. */
  @Get(':code')
  @RequireScope('data:read')
  show(@CurrentTenant() tenantId: string, @Param('code') code: string): Promise<QrCodeView> {
    return this.qrCodes.get(tenantId, code);
  }

  /** Change a QR code; absent fields stay as they are. */
  @Patch(':code')
  @RequireScope('data:write')
  @Audited('qr-code.updated')
  update(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('code') code: string,
    @Body() input: UpdateQrCode,
  ): Promise<QrCodeView> {
    return this.qrCodes.update(tenantId, origin, code, input);
  }

  /** Say that a QR code was scanned, any number of times. Told as `qr.scanned`. */
  @Post(':code/scan')
  @HttpCode(200)
  @RequireScope('data:write')
  @Audited('qr-code.scanned')
  scan(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('code') code: string,
    @Body() { scannedBy }: ScanQrCode,
  ): Promise<QrCodeView> {
    return this.qrCodes.scan(tenantId, origin, code, scannedBy);
  }

  /** Validate a QR code, once. Told as `qr.validated`. */
  @Post(':code/validate')
  @HttpCode(200)
  @RequireScope('data:write')
  @Audited('qr-code.validated')
  validate(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('code') code: string,
    @Body() { validatedBy }: ValidateQrCode,
  ): Promise<QrCodeView> {
    return this.qrCodes.validate(tenantId, origin, code, validatedBy);
  }

  /** Delete a QR code. */
  @Delete(':code')
  @HttpCode(204)
  @RequireScope('data:write')
  @Audited('qr-code.deleted')
  delete(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('code') code: string,
  ): Promise<void> {
    return this.qrCodes.delete(tenantId, origin, code);
  }
}
