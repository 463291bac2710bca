import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import type { Page } from '../http/pagination.dto.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import {
  ConnectionCheck,
  ConnectionQuery,
  ConnectionView,
  CreateConnection,
  DeleteConnectionQuery,
  RegisterWebhooks,
  UpdateConnection,
  WebhookRegistration,
} from './connection.dto.js';
import { ConnectionService } from './connection.service.js';
import { WebhookRegistrar } from './webhook-registrar.js';

@ApiTags('Connections')
@Controller('api/v1/connections')
export class ConnectionController {
  constructor(
    private readonly connections: ConnectionService,
    private readonly registrar: WebhookRegistrar,
  ) {}

  /** Connect a provider's API. The credentials are kept encrypted and are never shown again; see check for whether they work. */
  @Post()
  @RequireScope('inbound:write')
  @Audited('connection.created')
  create(@CurrentTenant() tenantId: string, @Body() input: CreateConnection): Promise<ConnectionView> {
    return this.connections.create(tenantId, input);
  }

  /** List connections, newest first. */
  @Get()
  @RequireScope('inbound:read')
  @ApiPage(ConnectionView)
  list(@CurrentTenant() tenantId: string, @Query() query: ConnectionQuery): Promise<Page<ConnectionView>> {
    return this.connections.list(tenantId, query);
  }

  /** Show a connection. */
  @Get(':id')
  @RequireScope('inbound:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<ConnectionView> {
    return this.connections.get(tenantId, id);
  }

  /** Change a connection; absent fields stay as they are. */
  @Patch(':id')
  @RequireScope('inbound:write')
  @Audited('connection.updated')
  update(
    @CurrentTenant() tenantId: string,
    @Param('id') id: string,
    @Body() input: UpdateConnection,
  ): Promise<ConnectionView> {
    return this.connections.update(tenantId, id, input);
  }

  /** Delete a connection, and with it the webhook it registered at the provider and its source, unless `keepWebhook=true`. */
  @Delete(':id')
  @HttpCode(204)
  @RequireScope('inbound:write')
  @Audited('connection.deleted')
  delete(
    @CurrentTenant() tenantId: string,
    @Param('id') id: string,
    @Query() query: DeleteConnectionQuery,
  ): Promise<void> {
    return this.registrar.delete(tenantId, id, query.keepWebhook === 'true');
  }

  /** Ask the provider what these credentials can do. Nothing is changed there. */
  @Post(':id/check')
  @HttpCode(200)
  @RequireScope('inbound:write')
  check(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<ConnectionCheck> {
    return this.connections.check(tenantId, id);
  }

  /** Make a source and register its URL and secret at the provider; again: change what is registered. */
  @Post(':id/register-webhooks')
  @HttpCode(200)
  @RequireScope('inbound:write')
  @Audited('connection.webhooks_registered')
  register(
    @CurrentTenant() tenantId: string,
    @Param('id') id: string,
    @Body() input: RegisterWebhooks,
  ): Promise<WebhookRegistration> {
    return this.registrar.register(tenantId, id, input);
  }
}
