import { Injectable } from '@nestjs/common';
import { ConnectionClients } from '../connections/connection-clients.js';
import type { ConnectionProviderName, SettingsOf } from '../connections/connection-providers.js';
import type { HandledEvent } from '../inbound-events/handlers/inbound-handler.js';

/** What a tenant has connected, as handlers ask for it: reading settings calls nobody. */
@Injectable()
export class EventConnections {
  constructor(private readonly clients: ConnectionClients) {}

  /**
   * Settings of the connection that an event came by, else of the tenant's first to that provider; null when there is none, as
   * where the source was made by hand.
   */
  async settings<Name extends ConnectionProviderName>(
    { tenantId, sourceId }: HandledEvent,
    provider: Name,
  ): Promise<SettingsOf<Name> | null> {
    const own = sourceId === null ? null : await this.clients.findOfSource(tenantId, sourceId);
    if (own?.connection.provider === provider) return own.connection.settings as SettingsOf<Name>;
    return (await this.clients.find(tenantId, provider))?.connection.settings ?? null;
  }

  /** Whether the tenant's automations can write there. */
  async has(tenantId: string, provider: ConnectionProviderName): Promise<boolean> {
    return (await this.clients.find(tenantId, provider)) !== null;
  }
}
