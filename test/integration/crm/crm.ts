import { expect } from 'vitest';
import type { Api } from '../../support/api.js';
import type { TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';

// biome-ignore lint/suspicious/noExplicitAny: data is what the test says it is
export type Told = { event: string; data: any; metadata?: Record<string, unknown> };

/** A partner that subscribed, and what it was told. */
export class Partner {
  private constructor(
    private readonly receiver: Receiver,
    private readonly api: Api,
    private readonly subscriptionId: string,
  ) {}

  static async of(api: Api, eventTypes: string[], fields: object = {}): Promise<Partner> {
    const receiver = await startReceiver();
    const { id } = await api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes, ...fields }, 201);
    return new Partner(receiver, api, id);
  }

  get told(): Told[] {
    return this.receiver.requests.map(({ body }) => JSON.parse(body));
  }

  /** Once it was told this often, and no more; by type, as events of one write arrive in any order. */
  async hears(...types: string[]): Promise<Told[]> {
    await eventually(() => expect(this.told.map(({ event }) => event).sort()).toEqual([...types].sort()));
    return types.map((type) => this.told.findLast(({ event }) => event === type) as Told);
  }

  async leave(): Promise<void> {
    await this.api.delete(`/api/v1/subscriptions/${this.subscriptionId}`);
    await this.receiver.close();
  }
}

let count = 0;

/** A contact that nothing is told of. */
export function makeContact(app: TestApp, fields: object = {}, tenantId = app.tenant.id) {
  count++;
  const id = `01a208ad-81aa-79ff-a137-${String(count).padStart(12, '0')}`;
  return app.prisma.contact.create({ data: { id, tenantId, email: `contact-${count}@example.com`, ...fields } });
}

export const totalsOf = (app: TestApp, id: string) =>
  app.prisma.contact.findUniqueOrThrow({
    where: { id },
    select: { bookingsCount: true, lastBookingAt: true, qrScansCount: true, conversationsCount: true },
  });

export const pointers = (problem: { errors: { pointer: string }[] }) => problem.errors.map(({ pointer }) => pointer);

/** A page of two, then the rest, through the cursor. */
export async function pagesOf(api: Api, path: string): Promise<{ id: string }[]> {
  const sign = path.includes('?') ? '&' : '?';
  const first = await api.get(`${path}${sign}limit=2`);
  expect(first.data).toHaveLength(2);
  const rest = await api.get(`${path}${sign}limit=200&cursor=${first.nextCursor}`);
  expect(rest.nextCursor).toBeNull();
  return [...first.data, ...rest.data];
}
