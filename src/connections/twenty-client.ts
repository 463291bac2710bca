import { e164, joinE164, splitE164 } from '../core/phone-number.js';
import { abilities, ability, lacking } from './ability-checks.js';
import { ApiClient, path, type Transport } from './api-client.js';
import type { Ability, KnownWebhook, ProviderClient, RegisteredWebhook, WantedWebhook } from './provider-client.js';
import { orNull } from './provider-error.js';
import { failureInGraphQl } from './twenty-failures.js';
import type { TwentyField } from './twenty-schema.js';
import { type TwentyFilter, type TwentyRecord, TwentyWorkspace } from './twenty-workspace.js';

export interface TwentyAccess {
  baseUrl: string;
  apiKey: string;
  /** The name an automation uses → the stage's value in this workspace, for those that differ. */
  stages: Readonly<Record<string, string>>;
}

export interface TwentyPerson extends TwentyRecord {
  name?: { firstName: string | null; lastName: string | null };
  emails?: { primaryEmail: string | null; additionalEmails?: string[] | null };
  phones?: { primaryPhoneNumber: string | null; primaryPhoneCallingCode?: string | null };
}

export interface TwentyOpportunity extends TwentyRecord {
  name?: string | null;
  stage?: string | null;
  closeDate?: string | null;
  pointOfContactId?: string | null;
}

export interface ContactFields {
  firstName?: string;
  lastName?: string;
  email?: string | null;
  /** In E.164. */
  phone?: string | null;
  /** Further fields by Twenty's own names; those the workspace does not have are left out. */
  fields?: Record<string, unknown>;
}

export interface OpportunityFields {
  name?: string;
  /** By its value or label in the workspace, or by a name the `stages` setting knows. */
  stage?: string;
  contactId?: string | null;
  closeDate?: Date | null;
  fields?: Record<string, unknown>;
}

const WEBHOOK_PERMISSION = 'API keys & webhooks (API_KEYS_AND_WEBHOOKS) in the role of the API key';
/**
 * Twenty CRM: GraphQL for records, REST for the data model and webhooks (provider sheet §3). Fields and stages are those of the
 * workspace, asked for once and remembered for ten minutes. 100 requests a minute are allowed.
 */
export class TwentyClient implements ProviderClient {
  private readonly api: ApiClient;
  private readonly workspace: TwentyWorkspace;

  constructor(
    transport: Transport,
    private readonly access: TwentyAccess,
  ) {
    this.api = new ApiClient(transport, {
      title: 'Twenty CRM',
      baseUrl: access.baseUrl,
      headers: () => ({ authorization: `Bearer ${access.apiKey}` }),
      secrets: [access.apiKey],
      limit: { requests: 100, perMs: 60_000 },
      failureIn: failureInGraphQl,
    });
    this.workspace = new TwentyWorkspace(this.api, transport.clock, access.stages);
  }

  /** People, newest first; 60 on a page. */
  listContacts(query: { filter?: TwentyFilter; limit?: number; after?: string | null } = {}) {
    return this.workspace.list<TwentyPerson>('person', { ...query, order: { createdAt: 'DescNullsLast' } });
  }

  /** Null when nobody has this address as the primary one. */
  async findContactByEmail(email: string): Promise<TwentyPerson | null> {
    const filter = { emails: { primaryEmail: { ilike: escapedLike(email.trim()) } } };
    const { records } = await this.listContacts({ filter, limit: 1 });
    return records[0] ?? null;
  }

  /** @param phone in E.164; found however calling code and number are kept apart */
  async findContactByPhone(phone: string): Promise<TwentyPerson | null> {
    const { national } = splitE164(phone);
    const filter = { phones: { primaryPhoneNumber: { in: [phone, phone.slice(1), national] } } };
    const { records } = await this.listContacts({ filter });
    return records.find((person) => phoneOf(person) === phone) ?? null;
  }

  getContact(id: string): Promise<TwentyPerson | null> {
    return this.workspace.find<TwentyPerson>('person', id);
  }

  /** @throws ProviderError conflict when the e-mail is taken */
  createContact(contact: ContactFields): Promise<TwentyPerson> {
    return this.workspace.create<TwentyPerson>('person', personData(contact));
  }

  /** Absent fields stay as they are; null empties. */
  updateContact(id: string, changes: ContactFields): Promise<TwentyPerson> {
    return this.workspace.update<TwentyPerson>('person', id, personData(changes));
  }

  /** For good, not into Twenty's bin. Nothing happens when it is gone already. */
  async destroyContact(id: string): Promise<void> {
    await orNull(this.workspace.destroy('person', id));
  }

  listOpportunities(query: { filter?: TwentyFilter; limit?: number; after?: string | null } = {}) {
    return this.workspace.list<TwentyOpportunity>('opportunity', { ...query, order: { createdAt: 'DescNullsLast' } });
  }

  getOpportunity(id: string): Promise<TwentyOpportunity | null> {
    return this.workspace.find<TwentyOpportunity>('opportunity', id);
  }

  /** @throws ProviderError invalid when the workspace has no such stage; the message lists those it has */
  async createOpportunity(opportunity: OpportunityFields): Promise<TwentyOpportunity> {
    return this.workspace.create<TwentyOpportunity>('opportunity', await this.opportunityData(opportunity));
  }

  async updateOpportunity(id: string, changes: OpportunityFields): Promise<TwentyOpportunity> {
    return this.workspace.update<TwentyOpportunity>('opportunity', id, await this.opportunityData(changes));
  }

  updateOpportunityStage(id: string, stage: string): Promise<TwentyOpportunity> {
    return this.updateOpportunity(id, { stage });
  }

  /** What changed from `since` on, oldest change first: for finding what no webhook told. */
  listChanged<T extends TwentyRecord>(object: 'person' | 'opportunity', since: Date, after: string | null = null) {
    const filter = { updatedAt: { gte: since.toISOString() } };
    return this.workspace.list<T>(object, { filter, after, order: { updatedAt: 'AscNullsLast' } });
  }

  /** The stages of the workspace in their order. */
  stages(): Promise<TwentyField['options']> {
    return this.workspace.stages();
  }

  /** The workspace's own value of a stage, or null when it has none like it. */
  findStage(name: string): Promise<string | null> {
    return this.workspace.findStage(name);
  }

  async check(): Promise<Ability[]> {
    const credentials = ability('credentials', 'The API key is accepted, and the data model can be read.', () =>
      this.workspace.objects(),
    );
    return abilities(credentials, [
      () => ability('contacts', 'People can be read.', () => this.listContacts({ limit: 1 })),
      () => ability('opportunities', 'Opportunities can be read.', () => this.listOpportunities({ limit: 1 })),
      () => ability('stages', '', () => this.checkStages()),
      () => ability('webhooks', 'Webhooks can be registered.', () => this.listWebhooks()),
    ]);
  }

  async registerWebhook(wanted: WantedWebhook): Promise<RegisteredWebhook> {
    const there = await this.listWebhooks();
    const same =
      there.find(({ id }) => id === wanted.knownId) ?? there.find(({ targetUrl }) => targetUrl === wanted.url);
    const json = {
      targetUrl: wanted.url,
      operations: wanted.events,
      description: 'Posthaste',
      ...(wanted.secret !== null && { secret: wanted.secret }),
    };
    const answer = await this.api.call({
      method: same ? 'PATCH' : 'POST',
      path: same ? path`/rest/metadata/webhooks/${same.id}` : '/rest/metadata/webhooks',
      json,
      purpose: 'register the webhook',
      permission: WEBHOOK_PERMISSION,
    });
    return { id: same?.id ?? String(inner(answer).id) };
  }

  async deleteWebhook({ id }: KnownWebhook): Promise<void> {
    if (id === null) return;
    const deleting = this.api.call({
      method: 'DELETE',
      path: path`/rest/metadata/webhooks/${id}`,
      purpose: 'delete the webhook',
      permission: WEBHOOK_PERMISSION,
    });
    await orNull(deleting);
  }

  async listWebhooks(): Promise<{ id: string; targetUrl: string; operations: string[] }[]> {
    const answer = await this.api.call({
      path: '/rest/metadata/webhooks',
      purpose: 'list its webhooks',
      permission: WEBHOOK_PERMISSION,
    });
    const list = Array.isArray(answer) ? answer : (answer?.data?.webhooks ?? answer?.data ?? []);
    return list as { id: string; targetUrl: string; operations: string[] }[];
  }

  private async checkStages(): Promise<string> {
    const stages = (await this.stages()).map(({ value }) => value);
    if (stages.length === 0) throw lacking('Opportunities of this workspace have no stages.');
    const wanted = ['MEETING_SCHEDULED', 'CANCELLED', ...Object.keys(this.access.stages)];
    const missing = [];
    for (const name of new Set(wanted)) if ((await this.findStage(name)) === null) missing.push(name);
    if (missing.length === 0) return `The stages are there: ${stages.join(', ')}.`;
    throw lacking(
      `This workspace has no stage ${missing.join(' and ')}, only ${stages.join(', ')}. Add what is missing in Twenty (Settings, Data model, Opportunities, Stage), or say in settings.stages which stage stands for it.`,
    );
  }

  private async opportunityData(input: OpportunityFields): Promise<Record<string, unknown>> {
    const { name, stage, contactId, closeDate, fields } = input;
    return {
      ...fields,
      ...(name !== undefined && { name }),
      ...(stage !== undefined && { stage: await this.workspace.getStage(stage) }),
      ...(contactId !== undefined && { pointOfContactId: contactId }),
      ...(closeDate !== undefined && { closeDate: closeDate?.toISOString() ?? null }),
    };
  }
}

/** The primary telephone number in E.164, or null. */
export function phoneOf(person: Pick<TwentyPerson, 'phones'>): string | null {
  return joinE164(person.phones?.primaryPhoneCallingCode, person.phones?.primaryPhoneNumber);
}

function personData({ firstName, lastName, email, phone, fields }: ContactFields): Record<string, unknown> {
  const number = e164(phone);
  const parts = number === null ? null : splitE164(number);
  return {
    ...fields,
    ...((firstName !== undefined || lastName !== undefined) && {
      name: { ...(firstName !== undefined && { firstName }), ...(lastName !== undefined && { lastName }) },
    }),
    ...(email !== undefined && { emails: { primaryEmail: email ?? '' } }),
    ...(phone !== undefined && {
      phones: {
        primaryPhoneNumber: parts?.national ?? phone ?? '',
        ...(parts && { primaryPhoneCallingCode: parts.callingCode }),
      },
    }),
  };
}

/** REST wraps an object in `data` and at times in its name. */
function inner(answer: Record<string, unknown>): Record<string, unknown> {
  const data = (answer.data ?? answer) as Record<string, unknown>;
  const [only] = Object.values(data);
  return data.id === undefined && typeof only === 'object' && only !== null ? (only as Record<string, unknown>) : data;
}

function escapedLike(text: string): string {
  return text.replace(/[\\%_]/g, (character) => `\\${character}`);
}
