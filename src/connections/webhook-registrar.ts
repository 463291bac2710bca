import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { AppError, invalidField, notFound } from '../core/errors.js';
import { findProvider } from '../core/provider-signatures/providers.js';
import { SourceService } from '../inbound-events/source.service.js';
import type { RegisterWebhooks, WebhookRegistration } from './connection.dto.js';
import { ConnectionService, presentWebhook } from './connection.service.js';
import { type ConnectionRow, ConnectionStore, type ConnectionWebhook } from './connection.store.js';
import { ConnectionClients } from './connection-clients.js';
import { connectionProvider } from './connection-providers.js';
import { ProviderError } from './provider-error.js';

/** Longer than a provider can keep us: then whoever was at it is gone. */
const BUSY_MS = 180_000;
/** What was signed with the secret before is still taken for so long: the provider may not have taken the new one. */
const OVERLAP_S = 3600;

/**
 * Has a provider tell us what happens there: makes a source, and registers its URL and secret with the connection's credentials.
 * The source is noted before the provider is asked, and the provider is asked what it has before it is told: whatever fails in
 * between, registering again ends with one webhook.
 */
@Injectable()
export class WebhookRegistrar {
  constructor(
    private readonly connections: ConnectionService,
    private readonly store: ConnectionStore,
    private readonly clients: ConnectionClients,
    private readonly sources: SourceService,
    private readonly clock: Clock,
  ) {}

  /**
   * @throws AppError provider_failed in the provider's words, invalid_request when something is missing for asking it, conflict
   *   while another request is at it
   */
  async register(tenantId: string, id: string, input: RegisterWebhooks): Promise<WebhookRegistration> {
    const connection = await this.connections.getRow(tenantId, id);
    const webhook = await told(this.noted(tenantId, connection, input));
    return this.alone(tenantId, id, () => this.registerNoted(tenantId, connection, webhook, input));
  }

  /** Deletes a connection; its webhook at the provider and its source first, unless they shall stay. */
  async delete(tenantId: string, id: string, keepWebhook: boolean): Promise<void> {
    const connection = await this.connections.getRow(tenantId, id);
    const { webhook } = connection;
    if (webhook && !keepWebhook) {
      await this.alone(tenantId, id, async () => {
        const { client } = this.clients.of(connection);
        if (webhook.registeredAt) await client.deleteWebhook({ id: webhook.externalId, url: webhook.url });
        // Somebody may have deleted it by hand.
        if (await this.sources.find(tenantId, webhook.sourceId)) await this.sources.delete(tenantId, webhook.sourceId);
      });
    }
    if (!(await this.store.delete(tenantId, id))) throw notFound('connection', id);
  }

  private async registerNoted(
    tenantId: string,
    connection: ConnectionRow,
    webhook: ConnectionWebhook,
    input: RegisterWebhooks,
  ): Promise<WebhookRegistration> {
    const { sourceId } = webhook;
    const source = await this.sources.get(tenantId, sourceId);
    const usual = connectionProvider(connection.provider).events;
    const wanted = {
      url: input.url ?? source.url,
      events: input.events ?? (webhook.events.length > 0 ? webhook.events : [...usual]),
      secret: await this.secretToSend(tenantId, sourceId, connection, input),
      knownId: webhook.externalId,
    };
    const registered = await this.clients.of(connection).client.registerWebhook(wanted);
    if (registered.secret !== undefined) await this.keepSecret(tenantId, sourceId, registered.secret);
    // Some sign the URL they were given.
    if (input.url !== undefined && findProvider(source.provider)?.settings.some(({ name }) => name === 'publicUrl'))
      await this.sources.update(tenantId, sourceId, { settings: { ...source.settings, publicUrl: input.url } });
    const { url, events } = wanted;
    const state = { url, events: [...events], externalId: registered.id, registeredAt: this.clock.now() };
    await this.store.recordWebhook(tenantId, connection.id, state);
    return { ...presentWebhook({ ...webhook, ...state }), note: registered.note ?? null };
  }

  /** The webhook of the connection with a source that is there. */
  private async noted(
    tenantId: string,
    connection: ConnectionRow,
    input: RegisterWebhooks,
  ): Promise<ConnectionWebhook> {
    const { id, name, webhook } = connection;
    if (webhook && (await this.sources.find(tenantId, webhook.sourceId))) return webhook;
    const provider = connectionProvider(connection.provider);
    const source = await this.sources.create(tenantId, {
      provider: provider.source,
      name,
      settings: provider.sourceSettings(this.clients.of(connection).connection.settings),
      ...(findProvider(provider.source)?.secret.madeBy === 'you' && { secret: input.secret }),
    });
    const noted = { sourceId: source.id, url: input.url ?? source.url };
    if (webhook) await this.store.recordWebhook(tenantId, id, noted);
    else await this.store.addWebhook(tenantId, { connectionId: id, ...noted });
    const current = (await this.connections.getRow(tenantId, id)).webhook;
    // Two requests at once each made a source: the one that is not noted goes again.
    if (current?.sourceId !== source.id) await this.sources.delete(tenantId, source.id);
    if (!current) throw notFound('connection', id);
    return current;
  }

  private async secretToSend(tenantId: string, sourceId: string, connection: ConnectionRow, input: RegisterWebhooks) {
    const { source, title } = connectionProvider(connection.provider);
    if (findProvider(source)?.secret.madeBy !== 'you') {
      if (input.secret === undefined) return null;
      throw invalidField('/secret', `${title} takes no secret of yours. ${findProvider(source)?.secret.about}`);
    }
    if (input.secret !== undefined) await this.keepSecret(tenantId, sourceId, input.secret);
    return this.sources.currentSecret(tenantId, sourceId);
  }

  private async keepSecret(tenantId: string, sourceId: string, secret: string): Promise<void> {
    if ((await this.sources.currentSecret(tenantId, sourceId)) === secret) return;
    await this.sources.rotate(tenantId, sourceId, { secret, overlapSeconds: OVERLAP_S });
  }

  /** Nobody else is at this connection's webhook meanwhile. */
  private async alone<T>(tenantId: string, id: string, work: () => Promise<T>): Promise<T> {
    const now = this.clock.now();
    if (!(await this.store.claimWebhook(tenantId, id, now, new Date(now.getTime() + BUSY_MS)))) {
      throw new AppError('conflict', {
        detail: 'The webhook of this connection is being changed at this moment: try again.',
      });
    }
    try {
      return await told(work());
    } finally {
      await this.store.releaseWebhook(tenantId, id);
    }
  }
}

/** What the provider refused, as a refusal of ours; what it was not even asked for is the caller's to mend. */
async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    const notAsked = error.failure === 'invalid' && error.status === null;
    throw new AppError(notAsked ? 'invalid_request' : 'provider_failed', { detail: error.message });
  }
}
