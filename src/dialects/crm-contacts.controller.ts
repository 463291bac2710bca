import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentOrigin } from '../crm/change-origin.decorator.js';
import { ContactService } from '../crm/contact.service.js';
import type { ChangeOrigin } from '../crm/domain-change.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import {
  CreateCrmContact,
  CrmContact,
  CrmContactQuery,
  nativeContact,
  presentCrmContact,
  UpdateCrmContact,
} from './crm-contacts.dto.js';
import { withPointers } from './pointer-names.js';

const NAMES = {
  firstName: 'first_name',
  lastName: 'last_name',
  externalId: 'external_id',
  customFields: 'custom_fields',
};

/** `/api/contacts` as the CRM guide documents it, in snake_case, over the same contacts as the native API. */
@ApiTags('CRM: contacts')
@Controller('api/contacts')
export class CrmContactsController {
  constructor(private readonly contacts: ContactService) {}

  /** Create a contact; subscribers of `contact.created` are told. */
  @Post()
  @RequireScope('data:write')
  @Audited('contact.created')
  async create(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Body() input: CreateCrmContact,
  ): Promise<CrmContact> {
    const made = await withPointers(NAMES, () => this.contacts.create(tenantId, origin, nativeContact(input)));
    return presentCrmContact(made);
  }

  /** List contacts, newest first. Where there are more, the header `x-next-cursor` has the `cursor` of the next page. */
  @Get()
  @RequireScope('data:read')
  async list(
    @CurrentTenant() tenantId: string,
    @Query() query: CrmContactQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CrmContact[]> {
    const page = await this.contacts.list(tenantId, query);
    if (page.nextCursor) reply.header('x-next-cursor', page.nextCursor);
    return page.data.map(presentCrmContact);
  }

  /** Show a contact. */
  @Get(':id')
  @RequireScope('data:read')
  async show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<CrmContact> {
    return presentCrmContact(await this.contacts.get(tenantId, id));
  }

  /** Change a contact; absent fields stay as they are, null clears. */
  @Patch(':id')
  @RequireScope('data:write')
  @Audited('contact.updated')
  async update(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
    @Body() input: UpdateCrmContact,
  ): Promise<CrmContact> {
    const changed = await withPointers(NAMES, () => this.contacts.update(tenantId, origin, id, nativeContact(input)));
    return presentCrmContact(changed);
  }

  /** Delete a contact. */
  @Delete(':id')
  @HttpCode(204)
  @RequireScope('data:write')
  @Audited('contact.deleted')
  delete(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
  ): Promise<void> {
    return this.contacts.delete(tenantId, origin, id);
  }
}
