import { Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import type { Page } from '../http/pagination.dto.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import { OutboxEntryView, OutboxQuery } from './outbox.dto.js';
import { OutboxService } from './outbox.service.js';

@ApiTags('Outbox')
@Controller('api/v1/outbox')
export class OutboxController {
  constructor(private readonly outbox: OutboxService) {}

  /** List what was emitted in transactions of hosts and is no event yet, newest first. */
  @Get()
  @RequireScope('events:read')
  @ApiPage(OutboxEntryView)
  list(@CurrentTenant() tenantId: string, @Query() query: OutboxQuery): Promise<Page<OutboxEntryView>> {
    return this.outbox.list(tenantId, query);
  }

  /** Show an entry of the outbox; what has become an event is no longer there. */
  @Get(':id')
  @RequireScope('events:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<OutboxEntryView> {
    return this.outbox.get(tenantId, id);
  }

  /** Try a refused entry once more. */
  @Post(':id/retry')
  @HttpCode(202)
  @RequireScope('events:write')
  @Audited('outbox.retried')
  retry(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<OutboxEntryView> {
    return this.outbox.retry(tenantId, id);
  }

  /** Discard a refused entry: it will not become an event. */
  @Delete(':id')
  @HttpCode(204)
  @RequireScope('events:write')
  @Audited('outbox.discarded')
  discard(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<void> {
    return this.outbox.discard(tenantId, id);
  }
}
