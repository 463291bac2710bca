import { expect } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { CalcomServer } from '../../support/providers/calcom.js';
import { ChatwootServer } from '../../support/providers/chatwoot.js';
import type { ProviderServer, SentWebhook } from '../../support/providers/provider-server.js';
import { TwentyServer } from '../../support/providers/twenty.js';
import { sendRaw } from '../../support/raw-request.js';
import { TestClock } from '../../support/test-clock.js';
import { connectCalcom, connectChatwoot, connectTwenty, register } from '../connections/connections.js';

export const AI_KEY = 'the-key-of-the-ai-agent';

/** A webhook as a provider sent it. */
export interface Delivery {
  url: string;
  body: string;
  headers: [string, string][];
}

/** As the API shows it. */
export interface Task {
  id: string;
  kind: string;
  status: string;
  errorMessage: string | null;
  dueAt: string | null;
}

/** A clinic with Twenty, Chatwoot and Cal.com connected, each telling us of what happens there. */
export class Clinic {
  readonly clock = new TestClock();
  twenty: TwentyServer;
  chatwoot: ChatwootServer;
  calcom: CalcomServer;
  app: TestApp;
  api: Api;
  connections: { twenty: string; chatwoot: string; calcom: string };

  static async open(options: { stages?: string[]; chatwoot?: object; twenty?: object; calcom?: object } = {}) {
    const clinic = new Clinic();
    clinic.twenty = await TwentyServer.start({ stages: options.stages });
    clinic.chatwoot = await ChatwootServer.start();
    clinic.calcom = await CalcomServer.start();
    clinic.app = await startTestApp({ clock: clinic.clock, config: { RELAY_INTERVAL_MS: '20' } });
    clinic.api = Api.of(clinic.app);
    for (const server of clinic.servers) {
      server.reach = clinic.app.url;
      server.now = () => clinic.clock.now();
    }
    await clinic.connect(options);
    return clinic;
  }

  get servers() {
    return [this.twenty, this.chatwoot, this.calcom];
  }

  async close(): Promise<void> {
    await this.app.close();
    await Promise.all(this.servers.map((server) => server.close()));
  }

  /** Changes settings of a connection; those of `of` stay. */
  async change(provider: 'twenty' | 'chatwoot' | 'calcom', settings: object): Promise<void> {
    const path = `/api/v1/connections/${this.connections[provider]}`;
    const { settings: current } = await this.api.get(path);
    await this.api.patch(path, { settings: { ...current, ...settings } });
  }

  /** Until everything that came in has been dealt with, and everything it led to; also what that led to. */
  async settled(): Promise<void> {
    await eventually(async () => {
      const [open] = await this.app.database.query<{ events: number; tasks: number }>(
        `select (select count(*)::int from integration_events where status in ('received', 'processing')) as events,
                (select count(*)::int from automation_tasks where status = 'pending' and due_at <= $1) as tasks`,
        [new Date(this.clock.now().getTime() + 120_000)],
      );
      expect(open).toEqual({ events: 0, tasks: 0 });
    }, 45_000);
  }

  tasks(query = ''): Promise<Task[]> {
    return this.api.get(`/api/v1/automation-tasks?limit=200${query}`).then(({ data }) => data);
  }

  /** Keeps whatever a provider sends from now on, as it was sent. */
  listen(server: ProviderServer, into: Delivery[]): void {
    const { deliver } = server as unknown as {
      deliver(url: string, body: string, headers: object): Promise<SentWebhook>;
    };
    Object.assign(server, {
      deliver: (url: string, body: string, headers: Record<string, string>) => {
        into.push({ url, body, headers: Object.entries({ 'Content-Type': 'application/json', ...headers }) });
        return deliver.call(server, url, body, headers);
      },
    });
  }

  /** The same request again. Its time has passed by now, which no signature forgives: the server's clock is set back meanwhile. */
  async repeat({ url, body, headers }: Delivery): Promise<void> {
    const now = this.clock.now();
    const stamp = headers.find(([name]) => name.toLowerCase().endsWith('-timestamp'))?.[1];
    if (stamp) this.clock.set(new Date(Number(stamp) * (stamp.length > 11 ? 1 : 1000)));
    const answer = await sendRaw(this.app.url + new URL(url).pathname, { body, headers });
    expect(answer.status, answer.body).toBe(200);
    this.clock.set(now);
  }

  /** How many requests have changed something at a provider. */
  writes(): Record<string, number> {
    const count = (server: ProviderServer, pattern: RegExp) =>
      server.requests.filter(({ method, path, body }) => pattern.test(`${method} ${path} ${body}`)).length;
    return {
      twenty: count(this.twenty, /^POST \/graphql .*mutation/),
      chatwoot: count(this.chatwoot, /^(POST|PUT|PATCH) /),
    };
  }

  private async connect(options: { chatwoot?: object; twenty?: object; calcom?: object }): Promise<void> {
    const { accountId, inboxId } = this.chatwoot;
    const twenty = await connectTwenty(this.api, this.twenty, { settings: options.twenty ?? {} });
    const chatwoot = await connectChatwoot(this.api, this.chatwoot, {
      settings: { accountId, inboxId, ...options.chatwoot },
    });
    const calcom = await connectCalcom(this.api, this.calcom, { settings: options.calcom ?? {} });
    this.connections = { twenty: twenty.id, chatwoot: chatwoot.id, calcom: calcom.id };
    for (const connection of [twenty, chatwoot, calcom]) await register(this.api, connection);
    // Made by the database's clock, which stands elsewhere.
    await this.app.database.query('update connections set created_at = $1', [this.clock.now()]);
  }
}
