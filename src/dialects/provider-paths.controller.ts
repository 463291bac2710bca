import { Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.js';
import { findProvider, type ProviderName } from '../core/provider-signatures/providers.js';
import { ApiPage } from '../http/page.decorator.js';
import type { Page } from '../http/pagination.dto.js';
import { TimeRangeQuery } from '../http/pagination.dto.js';
import type { RawBodyRoute } from '../http/raw-body.js';
import { EventReceiver } from '../inbound-events/event-receiver.js';
import { InboundEventView } from '../inbound-events/inbound-event.dto.js';
import { InboundEventService } from '../inbound-events/inbound-event.service.js';
import { type KnownSource, SourceDirectory } from '../inbound-events/source-directory.js';
import { rawHeader, wireRequest } from '../inbound-events/wire-request.js';
import { CurrentTenant, Public, RequireScope } from '../tenants/access.decorator.js';

const SYNCED: Record<string, ProviderName> = { twenty: 'twenty', calcom: 'calcom', chatwoot: 'chatwoot' };
const RAW = { rawBody: { large: true } } satisfies RawBodyRoute;

/**
 * The fixed paths of the MedFlow and Calendly guides. They have no token: the tenant is in `X-Tenant-ID` or `?tenant=` (id or slug),
 * or is the only one with a source of that provider. Beside the provider's own signature they take the forms those guides print,
 * unless the source says `acceptLegacySignatures: false`.
 */
@ApiTags('Providers: fixed paths')
@Controller()
export class ProviderPathsController {
  constructor(
    private readonly directory: SourceDirectory,
    private readonly receiver: EventReceiver,
    private readonly inbound: InboundEventService,
  ) {}

  /** Twenty, Cal.com and Chatwoot send here (the MedFlow guide, "Webhook Configuration"). */
  @Post('sync/webhooks/:provider')
  @HttpCode(200)
  @Public()
  @RouteConfig(RAW)
  async sync(@Param('provider') name: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const provider = Object.hasOwn(SYNCED, name) ? SYNCED[name] : undefined;
    if (!provider) {
      throw new AppError('not_found', {
        detail: `There is no "${name.slice(0, 50)}" here, only ${Object.keys(SYNCED).join(', ')}. Other providers have the URL of their source.`,
      });
    }
    return this.receive(provider, request, reply);
  }

  /** Calendly sends here (the Calendly guide, "Endpoint"). */
  @Post('api/v1/calendly/webhook')
  @HttpCode(200)
  @Public()
  @RouteConfig(RAW)
  calendly(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    return this.receive('calendly', request, reply);
  }

  /** What came in from Calendly, newest first (the Calendly guide, "Verificación"). */
  @Get('api/v1/calendly/events')
  @RequireScope('inbound:read')
  @ApiPage(InboundEventView)
  calendlyEvents(@CurrentTenant() tenantId: string, @Query() query: TimeRangeQuery): Promise<Page<InboundEventView>> {
    return this.inbound.list(tenantId, { ...query, source: 'calendly' });
  }

  /** Gmail's Pub/Sub subscription pushes here (the Calendly guide, "Futuros Webhooks"). */
  @Post('api/v1/gmail/webhook')
  @HttpCode(200)
  @Public()
  @RouteConfig(RAW)
  gmail(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    return this.receive('google-pubsub', request, reply);
  }

  /** Twilio sends WhatsApp messages here (the Calendly guide, "Futuros Webhooks"). */
  @Post('api/v1/whatsapp/webhook')
  @HttpCode(200)
  @Public()
  @RouteConfig(RAW)
  whatsapp(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    return this.receive('twilio', request, reply);
  }

  private async receive(provider: ProviderName, request: FastifyRequest, reply: FastifyReply) {
    const candidates = await this.directory.byProvider(provider, tenantOf(request));
    if (candidates.length === 0) throw unknownSource(provider);
    const reception = await this.receiver.receive(candidates as [KnownSource, ...KnownSource[]], wireRequest(request), {
      legacy: true,
    });
    if (reception.kind === 'handshake')
      return reply.status(reception.status).type(reception.contentType).send(reception.body);
    const { id, duplicate } = reception.event;
    reply.status(200).header('x-posthaste-event', id);
    // Twilio itself takes JSON for a broken answer and reports it; everybody else gets what the other paths give.
    const acknowledgement = findProvider(provider)?.acknowledgement;
    if (provider === 'twilio' && rawHeader(request, 'user-agent')?.startsWith('TwilioProxy') && acknowledgement)
      return reply.type(acknowledgement.contentType).send(acknowledgement.body);
    return reply.send({ received: true, id, ...(duplicate && { duplicate }) });
  }
}

function tenantOf(request: FastifyRequest): string | undefined {
  const query = (request.query as Record<string, string | string[] | undefined>).tenant;
  const named = rawHeader(request, 'x-tenant-id') ?? [query].flat()[0];
  return named?.trim() || undefined;
}

/** The same words whether the tenant is unknown, has no such source, or cannot be told: nobody learns which. */
function unknownSource(provider: ProviderName): AppError {
  return new AppError('not_found', {
    detail: `No source of the provider "${provider}" was found for this request. Say which tenant it is for with X-Tenant-ID or ?tenant=, and make the source with POST /api/v1/sources.`,
  });
}
