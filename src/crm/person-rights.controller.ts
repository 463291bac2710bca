import { Readable } from 'node:stream';
import { Body, Controller, Delete, Get, Param, Put, Query, Res, StreamableFile } from '@nestjs/common';
import { ApiAcceptedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Audited, CurrentPrincipal, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import type { Principal } from '../tenants/principal.js';
import { CurrentOrigin } from './change-origin.decorator.js';
import { ContactConsentView } from './contact.dto.js';
import { ContactService } from './contact.service.js';
import { ContactDataWriter } from './contact-data-writer.js';
import type { ChangeOrigin } from './domain-change.js';
import { DeleteContactQuery, ErasureView, SayConsent } from './person-rights.dto.js';
import { PersonRightsService } from './person-rights.service.js';

@ApiTags('Contacts')
@Controller('api/v1/contacts')
export class PersonRightsController {
  constructor(
    private readonly rights: PersonRightsService,
    private readonly contacts: ContactService,
    private readonly data: ContactDataWriter,
  ) {}

  /** Everything held about a contact, as one JSON document: what the person may ask for. */
  @Get(':id/data')
  @RequireScope('data:read')
  @Audited('contact.data_read')
  @ApiOkResponse({
    schema: { type: 'object', description: 'The contact, and a list of each kind of thing held about it.' },
  })
  async show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<StreamableFile> {
    const document = await this.data.open(tenantId, id);
    return new StreamableFile(Readable.from(document), { type: 'application/json; charset=utf-8' });
  }

  /**
   * Delete a contact with its tags, bookings and history; deals, invoices and conversations stay and name nobody. With `erase=true`
   * also what is stored of the person elsewhere, which goes on in the background.
   */
  @Delete(':id')
  @RequireScope('data:write')
  @Audited('contact.deleted')
  @ApiNoContentResponse({ description: 'It is deleted.' })
  @ApiAcceptedResponse({
    description: 'With `erase=true`: it is deleted, and the rest is being erased.',
    type: ErasureView,
  })
  async delete(
    @CurrentPrincipal() principal: Principal,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
    @Query() query: DeleteContactQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ErasureView | undefined> {
    if (query.erase) {
      reply.status(202);
      return this.rights.erase(principal.tenantId, origin, id, principal.name);
    }
    await this.contacts.delete(principal.tenantId, origin, id);
    reply.status(204);
    return undefined;
  }

  /** How far the erasure of a contact is, and which providers have been told. */
  @Get(':id/erasure')
  @RequireScope('data:read')
  showErasure(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<ErasureView> {
    return this.rights.getErasure(tenantId, id);
  }

  /** Record that the person gave or withdrew consent: for `export`, or to be written to on a channel. */
  @Put(':id/consents/:purpose')
  @RequireScope('data:write')
  @Audited('contact.consent_recorded')
  sayConsent(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
    @Param('purpose') purpose: string,
    @Body() said: SayConsent,
  ): Promise<ContactConsentView> {
    return this.rights.sayConsent(tenantId, origin, id, purpose, said);
  }
}
