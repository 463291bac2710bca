import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import type { Transport } from './api-client.js';
import { type ConnectionRow, ConnectionStore } from './connection.store.js';
import { type ClientOf, type ConnectionProviderName, connectionProvider } from './connection-providers.js';
import { ConnectionSealer, type KnownConnection } from './connection-sealer.js';
import { ProviderAgent } from './provider-agent.js';

const MAX_REMEMBERED = 5_000;

/** A connection and the client made of it. */
export interface Connected<Name extends ConnectionProviderName> {
  connection: KnownConnection<Name>;
  client: ClientOf<Name>;
}

interface Remembered {
  version: number;
  connected: Connected<ConnectionProviderName>;
}

/**
 * Clients of a tenant's connections. The row is read each time and its version compared, so that changed credentials count at once
 * in every process; the client itself stays as long as it is the same, with the pace it keeps and what it knows of the provider.
 */
@Injectable()
export class ConnectionClients {
  private readonly remembered = new Map<string, Remembered>();
  private readonly transport: Transport;

  constructor(
    private readonly store: ConnectionStore,
    private readonly sealer: ConnectionSealer,
    agent: ProviderAgent,
    clock: Clock,
  ) {
    this.transport = { agent, clock };
  }

  /** The client of the tenant's first enabled connection to Twenty; null when there is none. The same for each of the others. */
  async twenty(tenantId: string): Promise<ClientOf<'twenty'> | null> {
    return (await this.find(tenantId, 'twenty'))?.client ?? null;
  }

  async chatwoot(tenantId: string): Promise<ClientOf<'chatwoot'> | null> {
    return (await this.find(tenantId, 'chatwoot'))?.client ?? null;
  }

  async calcom(tenantId: string): Promise<ClientOf<'calcom'> | null> {
    return (await this.find(tenantId, 'calcom'))?.client ?? null;
  }

  async calendly(tenantId: string): Promise<ClientOf<'calendly'> | null> {
    return (await this.find(tenantId, 'calendly'))?.client ?? null;
  }

  async twilio(tenantId: string): Promise<ClientOf<'twilio'> | null> {
    return (await this.find(tenantId, 'twilio'))?.client ?? null;
  }

  async evolution(tenantId: string): Promise<ClientOf<'evolution'> | null> {
    return (await this.find(tenantId, 'evolution'))?.client ?? null;
  }

  async gmail(tenantId: string): Promise<ClientOf<'gmail'> | null> {
    return (await this.find(tenantId, 'gmail'))?.client ?? null;
  }

  /** The tenant's first enabled connection to a provider, with its settings; null when there is none. */
  async find<Name extends ConnectionProviderName>(tenantId: string, provider: Name): Promise<Connected<Name> | null> {
    const row = await this.store.findOfProvider(tenantId, provider);
    return row && this.of<Name>(row);
  }

  /** The connection whose registered webhook comes in by this source, when it is enabled; null for sources made by hand. */
  async findOfSource(tenantId: string, sourceId: string): Promise<Connected<ConnectionProviderName> | null> {
    const row = await this.store.findOfSource(tenantId, sourceId);
    return row?.enabled ? this.of(row) : null;
  }

  of<Name extends ConnectionProviderName>(row: ConnectionRow): Connected<Name> {
    const known = this.remembered.get(row.id);
    if (known?.version === row.version) return known.connected as unknown as Connected<Name>;
    const connection = this.sealer.open<Name>(row);
    const client = connectionProvider(row.provider).client(this.transport, connection) as ClientOf<Name>;
    const connected = { connection, client };
    if (this.remembered.size >= MAX_REMEMBERED) this.remembered.delete(this.remembered.keys().next().value as string);
    this.remembered.set(row.id, {
      version: row.version,
      connected: connected as unknown as Remembered['connected'],
    });
    return connected;
  }
}
