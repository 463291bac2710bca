import { All, Controller, Param, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.js';
import { findProvider } from '../core/provider-signatures/providers.js';
import type { RawBodyRoute } from '../http/raw-body.js';
import { Public } from '../tenants/access.decorator.js';
import { EventReceiver } from './event-receiver.js';
import { SourceDirectory } from './source-directory.js';
import { wireRequest } from './wire-request.js';

/** Where providers send to: the URL of a source, with whatever they put behind it (provider sheet, rule 12). */
@ApiExcludeController()
@Controller('in')
export class ReceiveController {
  constructor(
    private readonly directory: SourceDirectory,
    private readonly receiver: EventReceiver,
  ) {}

  @All([':token', ':token/*'])
  @Public()
  @RouteConfig({ rawBody: { large: true } } satisfies RawBodyRoute)
  async receive(@Param('token') token: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const source = await this.directory.byToken(token);
    if (!source?.enabled) {
      throw new AppError('not_found', { detail: 'There is no source with this URL, or it is switched off.' });
    }
    const reception = await this.receiver.receive([source], wireRequest(request), { legacy: false });
    if (reception.kind === 'handshake') {
      return reply.status(reception.status).type(reception.contentType).send(reception.body);
    }
    const { contentType, body } = findProvider(source.provider)!.acknowledgement;
    reply.header('x-posthaste-event', reception.event.id);
    return reply.status(200).type(contentType).send(body);
  }
}
