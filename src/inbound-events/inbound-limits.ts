import { Injectable } from '@nestjs/common';
import { isInNetworks } from '../core/network-list.js';
import { RateLimiter } from '../tenants/rate-limiter.js';
import { TenantSettings } from '../tenants/tenant-settings.js';

/** What a tenant allows to come in: from which addresses, and how much. */
@Injectable()
export class InboundLimits {
  constructor(
    private readonly settings: TenantSettings,
    private readonly limiter: RateLimiter,
  ) {}

  /** Why the address may not send, in words, or null. */
  async addressProblem(tenantId: string, address: string): Promise<string | null> {
    const { inboundIpAllowlist } = await this.settings.get(tenantId);
    if (isInNetworks(address, inboundIpAllowlist)) return null;
    return `${address} is not among the addresses this tenant takes inbound requests from (setting inboundIpAllowlist)`;
  }

  /**
   * Counts one request for the tenant and for the key or source it came with.
   * @throws AppError rate_limited
   */
  async consume(tenantId: string, sender: string): Promise<void> {
    const { inboundPerMinute, inboundPerSenderPerMinute } = (await this.settings.get(tenantId)).rateLimits;
    if (inboundPerMinute !== null) {
      const limit = { name: 'inbound', requests: inboundPerMinute, windowS: 60 };
      await this.limiter.consume(
        limit,
        tenantId,
        `The tenant's limit of ${inboundPerMinute} inbound requests a minute is used up.`,
      );
    }
    if (inboundPerSenderPerMinute !== null) {
      const limit = { name: 'inbound-sender', requests: inboundPerSenderPerMinute, windowS: 60 };
      await this.limiter.consume(
        limit,
        `${tenantId}:${sender}`,
        `The limit of ${inboundPerSenderPerMinute} inbound requests a minute for one key or source is used up.`,
      );
    }
  }
}
