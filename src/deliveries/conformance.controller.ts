import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import { CheckConformance, ConformanceReport } from './conformance.dto.js';
import { ConformanceChecker } from './conformance-checker.js';

@ApiTags('Subscriptions')
@Controller('api/v1/subscriptions')
export class ConformanceController {
  constructor(private readonly checker: ConformanceChecker) {}

  /**
   * Check how an endpoint verifies what it is sent: it gets good, repeated, tampered, forged, unsigned and stale requests, and
   * a grade. Nothing of it is stored or counted.
   */
  @Post(':id/conformance')
  @HttpCode(200)
  @RequireScope('webhooks:write')
  @Audited('subscription.checked')
  check(
    @CurrentTenant() tenantId: string,
    @Param('id') id: string,
    @Body() input: CheckConformance,
  ): Promise<ConformanceReport> {
    return this.checker.check(tenantId, id, input.eventType);
  }
}
