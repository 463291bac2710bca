import { Injectable } from '@nestjs/common';
import { cursorId, type Page, pageOf } from '../http/pagination.dto.js';
import { found } from './crm-rows.js';
import { CrmWriter, type Write } from './crm-writer.js';
import type { ChangeOrigin } from './domain-change.js';
import {
  type CreateQrCode,
  presentQrCode,
  type QrCodeQuery,
  type QrCodeView,
  type UpdateQrCode,
} from './qr-code.dto.js';
import { type QrCode, QrCodeStore } from './qr-code.store.js';
import { QrCodeChanger } from './qr-code-changer.js';

/** QR codes by what they say: an application that scans one knows nothing else. */
@Injectable()
export class QrCodeService {
  constructor(
    private readonly store: QrCodeStore,
    private readonly changer: QrCodeChanger,
    private readonly writer: CrmWriter,
  ) {}

  create(tenantId: string, origin: ChangeOrigin, input: CreateQrCode): Promise<QrCodeView> {
    return this.write(tenantId, origin, (write) => this.changer.create(write, tenantId, input));
  }

  async get(tenantId: string, code: string): Promise<QrCodeView> {
    return presentQrCode(found(await this.store.find(tenantId, code), 'QR code', code));
  }

  async list(tenantId: string, query: QrCodeQuery): Promise<Page<QrCodeView>> {
    const { limit, cursor: _cursor, ...filter } = query;
    return pageOf(await this.store.list(tenantId, filter, cursorId(query), limit + 1), limit, presentQrCode);
  }

  update(tenantId: string, origin: ChangeOrigin, code: string, input: UpdateQrCode): Promise<QrCodeView> {
    return this.write(tenantId, origin, (write) => this.changer.update(write, tenantId, code, input));
  }

  scan(tenantId: string, origin: ChangeOrigin, code: string, by: string | null = null): Promise<QrCodeView> {
    return this.write(tenantId, origin, (write) => this.changer.scan(write, tenantId, code, by));
  }

  validate(tenantId: string, origin: ChangeOrigin, code: string, by: string | null = null): Promise<QrCodeView> {
    return this.write(tenantId, origin, (write) => this.changer.validate(write, tenantId, code, by));
  }

  async delete(tenantId: string, origin: ChangeOrigin, code: string): Promise<void> {
    await this.writer.write(tenantId, origin, (write) => this.changer.delete(write, tenantId, code));
  }

  private async write(tenantId: string, origin: ChangeOrigin, work: (write: Write) => Promise<QrCode>) {
    return presentQrCode(await this.writer.write(tenantId, origin, work));
  }
}
