import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { ConnectionStore } from '../connections/connection.store.js';
import { type Connected, ConnectionClients } from '../connections/connection-clients.js';
import { connectionProvider } from '../connections/connection-providers.js';
import { ProviderError } from '../connections/provider-error.js';
import { Clock } from '../core/clock.js';
import { nextAttemptAt } from '../core/retry-schedule.js';
import { type ClaimedErasureRequest, ErasureRequests } from '../crm/erasure-requests.js';
import type { PersonKeys } from '../crm/person-keys.js';
import { logger } from '../observability/logger.js';
import { DueRelay } from '../queue/due-relay.js';
import { TASK_SCHEDULE } from './automation-runner.js';

const REQUESTS_AT_ONCE = 4;
/** Of one person there may be several records at a provider; more than this is a search that went wrong. */
const MOST_RECORDS = 20;

/** There is no way to tell this provider, now or later: the message says what a person has to do. */
class ByHand extends Error {}

/**
 * Tells the providers of a tenant's connections that somebody is erased: what they hold under the person's address or numbers is
 * deleted there. What cannot be deleted through a provider's API stays on record as failed, with what is to be done by hand.
 */
@Injectable()
export class ErasureTeller implements BeforeApplicationShutdown {
  private readonly running = new Set<Promise<void>>();
  private stopped = false;

  constructor(
    private readonly requests: ErasureRequests,
    private readonly connections: ConnectionStore,
    private readonly clients: ConnectionClients,
    private readonly relay: DueRelay,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {
    requests.askedOf((tx, tenantId) => this.connections.listTargets(tx, tenantId));
  }

  /** Called once, where the work is to be done. */
  start(): void {
    this.relay.add({
      name: 'erasures at providers',
      room: () => (this.stopped ? 0 : REQUESTS_AT_ONCE - this.running.size),
      take: (limit) => this.take(limit),
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.running);
  }

  private async take(limit: number): Promise<number> {
    const leaseUntil = new Date(this.clock.now().getTime() + this.config.delivery.leaseMs);
    const claimed = await this.requests.claimDueAcrossTenants(leaseUntil, limit);
    for (const request of claimed) {
      const run = this.tell(request).finally(() => this.running.delete(run));
      this.running.add(run);
    }
    return claimed.length;
  }

  private async tell(request: ClaimedErasureRequest): Promise<void> {
    const { tenantId, id, provider } = request;
    try {
      await this.eraseAt(request);
      await this.requests.recordDone(tenantId, id);
    } catch (error) {
      const { words, dueAt } = this.judge(error as Error, request.attempts);
      logger.warn({ tenantId, erasureRequestId: id, provider, dueAt }, 'a provider could not be told of an erasure');
      // When this fails too, the lease brings the request back.
      await this.requests.recordFailed(tenantId, id, words, dueAt).catch(() => undefined);
    }
  }

  private judge(error: Error, attempts: number): { words: string; dueAt: Date | null } {
    if (error instanceof ByHand) return { words: error.message, dueAt: null };
    const again = !(error instanceof ProviderError) || error.isPassing;
    const dueAt = again ? nextAttemptAt(TASK_SCHEDULE, attempts, this.clock.now(), Math.random()) : null;
    const words =
      error instanceof ProviderError ? error.message : `It failed for a reason on our side (${error.name}).`;
    return { words, dueAt };
  }

  private async eraseAt({ tenantId, connectionId, provider, person }: ClaimedErasureRequest): Promise<void> {
    const row = await this.connections.find(tenantId, connectionId);
    const { title } = connectionProvider(provider);
    if (!row) throw new ByHand(`The connection to ${title} was deleted before it was told: erase the person there.`);
    if (provider === 'twenty') return eraseInTwenty(this.clients.of<'twenty'>(row), person);
    if (provider === 'chatwoot') return eraseInChatwoot(this.clients.of<'chatwoot'>(row), person);
    throw new ByHand(`${title} has no way to erase a person through this connection: do it there.`);
  }
}

function eraseInTwenty({ client }: Connected<'twenty'>, person: PersonKeys): Promise<void> {
  const find = () => findBy(person, client.findContactByEmail.bind(client), client.findContactByPhone.bind(client));
  return untilNone(find, ({ id }) => client.destroyContact(id));
}

function eraseInChatwoot({ client }: Connected<'chatwoot'>, person: PersonKeys): Promise<void> {
  const find = () =>
    findBy(
      person,
      (email) => client.findContact({ email }),
      (phone) => client.findContact({ phone }),
    );
  return untilNone(find, ({ id }) => client.deleteContact(id));
}

/** By the address, else by each number. */
async function findBy<T>(
  person: PersonKeys,
  byEmail: (email: string) => Promise<T | null>,
  byPhone: (phone: string) => Promise<T | null>,
): Promise<T | null> {
  let found = person.email === null ? null : await byEmail(person.email);
  for (const phone of phonesOf(person)) found ??= await byPhone(phone);
  return found;
}

const phonesOf = ({ phone, whatsappPhone }: PersonKeys) =>
  [...new Set([phone, whatsappPhone])].filter((number): number is string => number !== null);

async function untilNone<T>(find: () => Promise<T | null>, erase: (found: T) => Promise<void>): Promise<void> {
  for (let erased = 0; erased < MOST_RECORDS; erased++) {
    const found = await find();
    if (!found) return;
    await erase(found);
  }
  throw new ByHand('More records than one person can have were found and erased; look what is left.');
}
