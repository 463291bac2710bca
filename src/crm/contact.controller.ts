import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import { PageQuery } from '../http/pagination.dto.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import { CurrentOrigin } from './change-origin.decorator.js';
import {
  ContactConsentView,
  ContactFilterQuery,
  ContactView,
  CreateContact,
  CreateInteraction,
  InteractionView,
  presentContact,
  UpdateContact,
} from './contact.dto.js';
import { ContactService } from './contact.service.js';
import type { ChangeOrigin } from './domain-change.js';

@ApiTags('Contacts')
@Controller('api/v1/contacts')
export class ContactController {
  constructor(private readonly contacts: ContactService) {}

  /** Create a contact. What `X-Change-Source` names is told to subscribers as where the change comes from. */
  @Post()
  @RequireScope('data:write')
  @Audited('contact.created')
  async create(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Body() input: CreateContact,
  ): Promise<ContactView> {
    return presentContact(await this.contacts.create(tenantId, origin, input));
  }

  /** List contacts, newest first; all filters hold at once. */
  @Get()
  @RequireScope('data:read')
  @ApiPage(ContactView)
  async list(@CurrentTenant() tenantId: string, @Query() query: ContactFilterQuery) {
    const { data, nextCursor } = await this.contacts.list(tenantId, query);
    return { data: data.map(presentContact), nextCursor };
  }

  /** Show a contact. */
  @Get(':id')
  @RequireScope('data:read')
  async show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<ContactView> {
    return presentContact(await this.contacts.get(tenantId, id));
  }

  /** Change a contact; absent fields stay as they are, null clears. What changes nothing is told to nobody. */
  @Patch(':id')
  @RequireScope('data:write')
  @Audited('contact.updated')
  async update(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
    @Body() input: UpdateContact,
  ): Promise<ContactView> {
    return presentContact(await this.contacts.update(tenantId, origin, id, input));
  }

  /** Put a tag on a contact; it is made where there is none of that name. */
  @Post(':id/tags/:name')
  @HttpCode(200)
  @RequireScope('data:write')
  @Audited('contact.tagged')
  async addTag(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
    @Param('name') name: string,
  ): Promise<ContactView> {
    return presentContact(await this.contacts.addTag(tenantId, origin, id, name));
  }

  /** Take a tag off a contact. */
  @Delete(':id/tags/:name')
  @HttpCode(204)
  @RequireScope('data:write')
  @Audited('contact.untagged')
  removeTag(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
    @Param('name') name: string,
  ): Promise<void> {
    return this.contacts.removeTag(tenantId, origin, id, name);
  }

  /** Record a message, comment or story reply of a contact; its counters go up by one. */
  @Post(':id/interactions')
  @RequireScope('data:write')
  @Audited('interaction.created')
  recordInteraction(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
    @Body() input: CreateInteraction,
  ): Promise<InteractionView> {
    return this.contacts.recordInteraction(tenantId, origin, id, input);
  }

  /** List a contact's interactions, newest first. */
  @Get(':id/interactions')
  @RequireScope('data:read')
  @ApiPage(InteractionView)
  listInteractions(@CurrentTenant() tenantId: string, @Param('id') id: string, @Query() query: PageQuery) {
    return this.contacts.listInteractions(tenantId, id, query);
  }

  /** List what a contact agreed to and took back, newest first. */
  @Get(':id/consents')
  @RequireScope('data:read')
  @ApiPage(ContactConsentView)
  listConsents(@CurrentTenant() tenantId: string, @Param('id') id: string, @Query() query: PageQuery) {
    return this.contacts.listConsents(tenantId, id, query);
  }
}
