import { isIP } from 'node:net';
import { Controller, Get, Header, Req, Res } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Config } from '../config/env.js';
import { AppError } from '../core/errors.js';
import { isInNetworks } from '../core/network-list.js';
import { sameSecret } from '../core/secret.js';
import { Public } from '../tenants/access.decorator.js';
import { bearerToken } from '../tenants/credential-strategies.js';
import { MetricsService } from './metrics.service.js';

const THIS_MACHINE = ['127.0.0.0/8', '::1/128'];

@ApiTags('Health')
@Controller('metrics')
export class MetricsController {
  constructor(
    private readonly config: Config,
    private readonly metrics: MetricsService,
  ) {}

  /** Metrics in Prometheus' text format. */
  @Get()
  @Public()
  @ApiExcludeEndpoint()
  @Header('cache-control', 'no-store')
  async show(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    this.admit(request);
    const text = await this.metrics.text();
    reply.type(this.metrics.contentType);
    return text;
  }

  /** They tell how much goes on here: with METRICS_TOKEN its holder may know, without it this machine. */
  private admit(request: FastifyRequest): void {
    const { metricsToken } = this.config.security;
    if (metricsToken === null) {
      if (isIP(request.ip) > 0 && isInNetworks(request.ip, THIS_MACHINE)) return;
      throw new AppError('forbidden', {
        detail: 'Without METRICS_TOKEN the metrics are shown to callers on this machine only.',
      });
    }
    const token = bearerToken(request);
    if (token !== null && sameSecret(token, metricsToken)) return;
    throw new AppError('unauthenticated', { detail: 'Send "Authorization: Bearer <METRICS_TOKEN>".' });
  }
}
