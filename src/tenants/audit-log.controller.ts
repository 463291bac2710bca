import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import { cursorId, type Page, pageOf } from '../http/pagination.dto.js';
import { CurrentTenant, RequireScope } from './access.decorator.js';
import { AuditEntryView, AuditLogQuery } from './audit-log.dto.js';
import { AuditLogStore } from './audit-log.store.js';

type Row = Awaited<ReturnType<AuditLogStore['list']>>[number];

function present(row: Row): AuditEntryView {
  return {
    id: row.id,
    actor: { kind: row.actorKind as AuditEntryView['actor']['kind'], id: row.actorId, name: row.actorName },
    action: row.action,
    target: { kind: row.targetKind, id: row.targetId },
    details: row.details as Record<string, unknown>,
    ip: row.ip,
    requestId: row.requestId,
    createdAt: row.createdAt,
  };
}

@ApiTags('Audit log')
@Controller('api/v1/audit-log')
@RequireScope('admin')
export class AuditLogController {
  constructor(private readonly entries: AuditLogStore) {}

  /** Who did what to what, newest first. */
  @Get()
  @ApiPage(AuditEntryView)
  async list(@CurrentTenant() tenantId: string, @Query() query: AuditLogQuery): Promise<Page<AuditEntryView>> {
    const rows = await this.entries.list(tenantId, query, cursorId(query), query.limit + 1);
    return pageOf(rows, query.limit, present);
  }
}
