import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import type { ProcessRole } from '../config/env.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { BookingController } from './booking.controller.js';
import { BookingService } from './booking.service.js';
import { ConversationController } from './conversation.controller.js';
import { ConversationService } from './conversation.service.js';
import { DealController, DealStageController } from './deal.controller.js';
import { DealService } from './deal.service.js';
import { InvoiceController } from './invoice.controller.js';
import { InvoiceService } from './invoice.service.js';
import { QrCodeController } from './qr-code.controller.js';
import { QrCodeService } from './qr-code.service.js';
import { ToolController } from './tool.controller.js';
import { ToolService } from './tool.service.js';

const CONTROLLERS = [
  ToolController,
  BookingController,
  QrCodeController,
  ConversationController,
  DealController,
  DealStageController,
  InvoiceController,
];

/** What belongs to contacts, over HTTP: bookings, QR codes, conversations, deals and invoices. */
@Module({})
export class BelongingsModule {
  /** @param crm the module with the CRM data */
  static forRoles(roles: readonly ProcessRole[], crm: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: BelongingsModule,
      imports: [TenantsModule, ...crm],
      controllers: roles.includes('api') ? CONTROLLERS : [],
      providers: [ToolService, BookingService, QrCodeService, ConversationService, DealService, InvoiceService],
    };
  }
}
