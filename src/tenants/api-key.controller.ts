import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import { type Page, PageQuery } from '../http/pagination.dto.js';
import { Audited, CurrentPrincipal, CurrentTenant, RequireScope } from './access.decorator.js';
import { ApiKeyView, CreateApiKey, CreatedApiKeyView, RotateApiKey, UpdateApiKey } from './api-key.dto.js';
import { ApiKeyService } from './api-key.service.js';
import type { Principal } from './principal.js';

@ApiTags('API keys')
@Controller('api/v1/api-keys')
@RequireScope('admin')
export class ApiKeyController {
  constructor(private readonly keys: ApiKeyService) {}

  /** Create a key; `key` is shown here and never again. */
  @Post()
  @Audited('api_key.created')
  create(@CurrentPrincipal() by: Principal, @Body() input: CreateApiKey): Promise<CreatedApiKeyView> {
    return this.keys.create(by, input);
  }

  /** List keys, newest first, revoked ones too. */
  @Get()
  @ApiPage(ApiKeyView)
  list(@CurrentTenant() tenantId: string, @Query() query: PageQuery): Promise<Page<ApiKeyView>> {
    return this.keys.list(tenantId, query);
  }

  /** Show a key, without its secret. */
  @Get(':id')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<ApiKeyView> {
    return this.keys.get(tenantId, id);
  }

  /** Rename a key. */
  @Patch(':id')
  @Audited('api_key.updated')
  update(@CurrentTenant() tenantId: string, @Param('id') id: string, @Body() input: UpdateApiKey): Promise<ApiKeyView> {
    return this.keys.rename(tenantId, id, input.name);
  }

  /** Revoke a key: it stops working at once and stays in the list. */
  @Delete(':id')
  @HttpCode(204)
  @Audited('api_key.revoked')
  async revoke(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<void> {
    await this.keys.revoke(tenantId, id);
  }

  /** Replace a key by a new one with the same scopes; the old one works for `overlapSeconds` more (default 0). */
  @Post(':id/rotate')
  @Audited('api_key.rotated')
  rotate(
    @CurrentPrincipal() by: Principal,
    @Param('id') id: string,
    @Body() input?: RotateApiKey,
  ): Promise<CreatedApiKeyView> {
    return this.keys.rotate(by, id, input?.overlapSeconds ?? 0);
  }
}
