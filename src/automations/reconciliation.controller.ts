import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { BackgroundJobView } from '../background-jobs/background-job.dto.js';
import { Audited, CurrentPrincipal, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import type { Principal } from '../tenants/principal.js';
import { ReconcileConnection, ReconciliationView } from './reconciliation.dto.js';
import { ReconciliationService } from './reconciliation.service.js';

@ApiTags('Connections')
@Controller('api/v1/connections')
export class ReconciliationController {
  constructor(private readonly reconciliations: ReconciliationService) {}

  /** Fetch what changed at the provider and process what no webhook told, as a background job with a report. */
  @Post(':id/reconcile')
  @HttpCode(202)
  @RequireScope('inbound:write')
  @Audited('connection.reconciled')
  start(
    @CurrentTenant() tenantId: string,
    @CurrentPrincipal() principal: Principal,
    @Param('id') id: string,
    @Body() input: ReconcileConnection,
  ): Promise<BackgroundJobView> {
    return this.reconciliations.start(tenantId, id, input, principal);
  }

  /** Show up to where a connection has been compared with its provider. */
  @Get(':id/reconciliation')
  @RequireScope('inbound:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<ReconciliationView> {
    return this.reconciliations.get(tenantId, id);
  }
}
