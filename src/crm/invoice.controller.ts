import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import type { Page } from '../http/pagination.dto.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import { CurrentOrigin } from './change-origin.decorator.js';
import type { ChangeOrigin } from './domain-change.js';
import { CreateInvoice, InvoiceQuery, InvoiceView, UpdateInvoice } from './invoice.dto.js';
import { InvoiceService } from './invoice.service.js';

@ApiTags('Invoices')
@Controller('api/v1/invoices')
export class InvoiceController {
  constructor(private readonly invoices: InvoiceService) {}

  /** Create an invoice. Told as `invoice.created`, and as `invoice.paid` when it is. */
  @Post()
  @RequireScope('data:write')
  @Audited('invoice.created')
  create(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Body() input: CreateInvoice,
  ): Promise<InvoiceView> {
    return this.invoices.create(tenantId, origin, input);
  }

  /** List invoices, newest first. */
  @Get()
  @RequireScope('data:read')
  @ApiPage(InvoiceView)
  list(@CurrentTenant() tenantId: string, @Query() query: InvoiceQuery): Promise<Page<InvoiceView>> {
    return this.invoices.list(tenantId, query);
  }

  /** Show an invoice. */
  @Get(':id')
  @RequireScope('data:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<InvoiceView> {
    return this.invoices.get(tenantId, id);
  }

  /** Change an invoice; absent fields stay as they are. Told as `invoice.updated`, and as `invoice.paid` when it becomes so. */
  @Patch(':id')
  @RequireScope('data:write')
  @Audited('invoice.updated')
  update(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
    @Body() input: UpdateInvoice,
  ): Promise<InvoiceView> {
    return this.invoices.update(tenantId, origin, id, input);
  }

  /** Delete an invoice. */
  @Delete(':id')
  @HttpCode(204)
  @RequireScope('data:write')
  @Audited('invoice.deleted')
  delete(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<void> {
    return this.invoices.delete(tenantId, id);
  }
}
