import { Body, Controller, Get, Patch } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Audited, CurrentTenant, RequireScope } from './access.decorator.js';
import { TenantService } from './tenant.service.js';
import { TenantView, UpdateTenant } from './tenant-settings.dto.js';

@ApiTags('Tenant')
@Controller('api/v1/tenant')
export class TenantController {
  constructor(private readonly tenants: TenantService) {}

  /** The tenant of the credential, with the settings that hold for it. */
  @Get()
  show(@CurrentTenant() tenantId: string): Promise<TenantView> {
    return this.tenants.get(tenantId);
  }

  /** Change name or settings. An absent setting stays as it is, null goes back to the installation's default. */
  @Patch()
  @RequireScope('admin')
  @Audited('tenant.updated')
  update(@CurrentTenant() tenantId: string, @Body() input: UpdateTenant): Promise<TenantView> {
    return this.tenants.update(tenantId, input);
  }
}
