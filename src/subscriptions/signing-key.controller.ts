import { Controller, Get, Header, Param } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Public } from '../tenants/access.decorator.js';
import type { WebhookKeySet } from './signing-key.dto.js';
import { SigningKeyService } from './signing-key.service.js';

@ApiTags('Subscriptions')
@Controller('.well-known/webhook-keys')
export class SigningKeyController {
  constructor(private readonly keys: SigningKeyService) {}

  /** The public keys of a tenant (its id or slug), with which anybody can verify its `v1a` signatures. */
  @Get(':tenant')
  @Public()
  @Header('cache-control', 'public, max-age=300')
  show(@Param('tenant') tenant: string): Promise<WebhookKeySet> {
    return this.keys.keySet(tenant);
  }
}
