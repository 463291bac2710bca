import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { GraphQLError, type GraphQLSchema, graphql } from 'graphql';
import { type ProviderAnswer, ProviderServer, type SeenRequest, type SentWebhook } from './provider-server.js';
import { metadataOf, STAGES, schemaOf, standardObjects, type WorkspaceObject } from './twenty-workspace.js';

interface TwentyRecord {
  id: string;
  createdAt: string;
  updatedAt: string;
  deletedAt: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: records have the fields of their workspace
  [field: string]: any;
}

export interface TwentyWebhook {
  id: string;
  targetUrl: string;
  operations: string[];
  description: string | null;
  secret: string;
}

export type TwentyPermission = 'people' | 'opportunities' | 'write' | 'webhooks';

/**
 * Twenty CRM: GraphQL over the data model of a workspace, metadata and webhooks by REST (provider sheet §3). A query for a field the
 * workspace does not have is refused, an e-mail belongs to one person.
 */
export class TwentyServer extends ProviderServer {
  readonly apiKey = `twenty-key-${randomBytes(8).toString('hex')}`;
  readonly people: TwentyRecord[] = [];
  readonly opportunities: TwentyRecord[] = [];
  readonly webhooks: TwentyWebhook[] = [];
  /** What the role of the API key lacks. */
  readonly denied = new Set<TwentyPermission>();
  /** Writes through the API are told to the registered webhooks too, as Twenty does. */
  echoes = false;
  private objects: WorkspaceObject[];
  private schema: GraphQLSchema;

  static start(options: { stages?: readonly string[] } = {}): Promise<TwentyServer> {
    return new TwentyServer(options.stages ?? STAGES).listen();
  }

  constructor(stages: readonly string[]) {
    super();
    this.objects = standardObjects(stages);
    this.schema = schemaOf(this.objects);
    this.on('POST', '/graphql', (request) => this.graphQl(request));
    this.on('GET', '/rest/metadata/objects', () => ({ body: metadataOf(this.objects) }));
    this.on('GET', '/rest/metadata/webhooks', () => ({ body: this.webhooks }));
    this.on('POST', '/rest/metadata/webhooks', ({ json }) => this.createWebhook(json));
    this.on('PATCH', '/rest/metadata/webhooks/:', ({ json }, [id]) => this.changeWebhook(id as string, json));
    this.on('DELETE', '/rest/metadata/webhooks/:', (_, [id]) => this.removeWebhook(id as string));
  }

  /** Changes the data model, as its users may at any time. */
  remodel(change: (objects: WorkspaceObject[]) => void): void {
    change(this.objects);
    this.schema = schemaOf(this.objects);
  }

  /** A person that somebody made in Twenty. */
  addPerson(fields: object): TwentyRecord {
    return this.insert(this.people, fields);
  }

  addOpportunity(fields: object): TwentyRecord {
    return this.insert(this.opportunities, fields);
  }

  /** Tells every webhook that wants it, signed as Twenty signs. @param eventName `person.created` */
  async emit(eventName: string, record: object, updatedFields?: string[]): Promise<SentWebhook[]> {
    const [object = '', action = ''] = eventName.split('.');
    const wants = ['*.*', `${object}.*`, `*.${action}`, eventName];
    const told = this.webhooks.filter(({ operations }) => operations.some((operation) => wants.includes(operation)));
    return Promise.all(told.map((webhook) => this.send(webhook, eventName, record, updatedFields)));
  }

  /** One delivery, also to a URL that is not registered. */
  send(
    webhook: { id?: string; targetUrl: string; secret: string },
    eventName: string,
    record: object,
    updatedFields?: string[],
  ): Promise<SentWebhook> {
    const now = this.now();
    const body = JSON.stringify({
      targetUrl: webhook.targetUrl,
      eventName,
      objectMetadata: { id: randomUUID(), nameSingular: eventName.split('.')[0] },
      workspaceId: '20000000-0000-4000-8000-000000000000',
      webhookId: webhook.id ?? randomUUID(),
      eventDate: now.toISOString(),
      record,
      ...(updatedFields && { updatedFields }),
    });
    const timestamp = String(now.getTime());
    return this.deliver(webhook.targetUrl, body, {
      'X-Twenty-Webhook-Signature': createHmac('sha256', webhook.secret).update(`${timestamp}:${body}`).digest('hex'),
      'X-Twenty-Webhook-Timestamp': timestamp,
      'X-Twenty-Webhook-Nonce': randomBytes(16).toString('hex'),
    });
  }

  protected refuse(request: SeenRequest): ProviderAnswer | null {
    const isGraphQl = request.path === '/graphql';
    if (request.headers.authorization !== `Bearer ${this.apiKey}`) {
      if (isGraphQl) return { body: { errors: [refusal('Token invalid.', 'UNAUTHENTICATED')] } };
      return rest(401, 'UnauthorizedException', 'Token invalid.');
    }
    if (this.denied.has('webhooks') && request.path.startsWith('/rest/metadata/webhooks')) {
      return rest(403, 'ForbiddenException', 'Entity performing the request does not have permission');
    }
    return null;
  }

  protected notFound(): ProviderAnswer {
    return rest(404, 'NotFoundException', 'Cannot find this path');
  }

  private async graphQl({ json }: SeenRequest): Promise<ProviderAnswer> {
    const rootValue = {
      people: (args: ListArgs) => this.list('people', this.people, args),
      opportunities: (args: ListArgs) => this.list('opportunities', this.opportunities, args),
      createPerson: ({ data }: Input) => this.write('person', this.people, null, data),
      updatePerson: ({ id, data }: Input) => this.write('person', this.people, id ?? '', data),
      destroyPerson: ({ id }: Input) => this.destroy(this.people, id ?? ''),
      createOpportunity: ({ data }: Input) => this.write('opportunity', this.opportunities, null, data),
      updateOpportunity: ({ id, data }: Input) => this.write('opportunity', this.opportunities, id ?? '', data),
    };
    const { query, variables } = json;
    const result = await graphql({ schema: this.schema, source: query, rootValue, variableValues: variables });
    return { body: result };
  }

  private list(
    object: 'people' | 'opportunities',
    records: TwentyRecord[],
    { filter, first, after, orderBy }: ListArgs,
  ) {
    if (this.denied.has(object))
      throw refusal('Entity performing the request does not have permission', 'PERMISSION_DENIED');
    const [[by, direction] = ['createdAt', 'DescNullsLast']] = Object.entries(orderBy?.[0] ?? {});
    const sign = direction.startsWith('Asc') ? 1 : -1;
    const found = records
      .filter((record) => record.deletedAt === null && matches(record, filter ?? {}))
      .sort((a, b) => sign * (String(a[by]) < String(b[by]) ? -1 : 1));
    const from = after ? Number(Buffer.from(after, 'base64').toString()) : 0;
    const page = found.slice(from, from + (first ?? 60));
    const cursor = (index: number) => Buffer.from(String(from + index + 1)).toString('base64');
    return {
      edges: page.map((node, index) => ({ node, cursor: cursor(index) })),
      pageInfo: { hasNextPage: found.length > from + page.length, endCursor: cursor(page.length - 1) },
      totalCount: found.length,
    };
  }

  private write(
    object: 'person' | 'opportunity',
    records: TwentyRecord[],
    id: string | null,
    data: Partial<TwentyRecord>,
  ) {
    const permission = object === 'person' ? 'people' : 'opportunities';
    if (this.denied.has('write') || this.denied.has(permission))
      throw refusal('Entity performing the request does not have permission', 'PERMISSION_DENIED');
    const email = data.emails?.primaryEmail?.toLowerCase();
    if (email && records.some((one) => one.id !== id && one.emails?.primaryEmail?.toLowerCase() === email))
      throw refusal('A duplicate entry was detected', 'BAD_USER_INPUT');
    if (id === null) {
      const record = this.insert(records, data);
      if (this.echoes) void this.emit(`${object}.created`, record);
      return record;
    }
    const record = records.find((one) => one.id === id);
    if (!record) throw refusal('Record not found', 'NOT_FOUND');
    for (const [name, value] of Object.entries(data)) {
      record[name] = isPlain(value) && isPlain(record[name]) ? { ...record[name], ...value } : value;
    }
    record.updatedAt = this.now().toISOString();
    if (this.echoes) void this.emit(`${object}.updated`, record, Object.keys(data));
    return record;
  }

  private destroy(records: TwentyRecord[], id: string) {
    if (this.denied.has('write'))
      throw refusal('Entity performing the request does not have permission', 'PERMISSION_DENIED');
    const index = records.findIndex((one) => one.id === id);
    if (index < 0) throw refusal('Record not found', 'NOT_FOUND');
    return records.splice(index, 1)[0];
  }

  private insert(records: TwentyRecord[], fields: object): TwentyRecord {
    const now = this.now().toISOString();
    const record = { id: randomUUID(), createdAt: now, updatedAt: now, deletedAt: null, ...structuredClone(fields) };
    records.push(record);
    return record;
  }

  private createWebhook(json: Partial<TwentyWebhook>): ProviderAnswer {
    const webhook = {
      id: randomUUID(),
      targetUrl: json.targetUrl ?? '',
      operations: json.operations ?? ['*.*'],
      description: json.description ?? null,
      secret: json.secret ?? randomBytes(32).toString('hex'),
    };
    this.webhooks.push(webhook);
    return { status: 201, body: webhook };
  }

  private changeWebhook(id: string, json: Partial<TwentyWebhook>): ProviderAnswer {
    const webhook = this.webhooks.find((one) => one.id === id);
    return webhook ? { body: Object.assign(webhook, json) } : this.notFound();
  }

  private removeWebhook(id: string): ProviderAnswer {
    const at = this.webhooks.findIndex((one) => one.id === id);
    if (at < 0) return this.notFound();
    this.webhooks.splice(at, 1);
    return { body: true };
  }
}

interface Input {
  id?: string;
  data: Partial<TwentyRecord>;
}

interface ListArgs {
  filter?: Record<string, unknown>;
  first?: number;
  after?: string;
  orderBy?: Record<string, string>[];
}

type Condition = Record<string, unknown>;

function matches(value: unknown, condition: Condition): boolean {
  return Object.entries(condition).every(([name, wanted]) => {
    if (name === 'and') return (wanted as Condition[]).every((one) => matches(value, one));
    if (name === 'or') return (wanted as Condition[]).some((one) => matches(value, one));
    if (name === 'not') return !matches(value, wanted as Condition);
    const operator = OPERATORS[name];
    if (operator) return operator(value, wanted);
    return matches((value as Condition | null | undefined)?.[name], wanted as Condition);
  });
}

const text = (value: unknown) => (value === null || value === undefined ? '' : String(value));
const OPERATORS: Record<string, (value: unknown, wanted: unknown) => boolean> = {
  eq: (value, wanted) => text(value) === wanted,
  neq: (value, wanted) => text(value) !== wanted,
  in: (value, wanted) => (wanted as string[]).includes(text(value)),
  gte: (value, wanted) => text(value) >= text(wanted),
  gt: (value, wanted) => text(value) > text(wanted),
  lte: (value, wanted) => text(value) <= text(wanted),
  lt: (value, wanted) => text(value) < text(wanted),
  like: (value, wanted) => like(text(wanted), '').test(text(value)),
  ilike: (value, wanted) => like(text(wanted), 'i').test(text(value)),
  is: (value, wanted) => (wanted === 'NULL') === (value === null || value === undefined),
};

/** SQL's LIKE: `%`, `_`, and a backslash before those that mean themselves. */
function like(pattern: string, flags: string): RegExp {
  const source = pattern.replace(/\\(.)|%|_|[.*+?^${}()|[\]\\]/gs, (found, escaped) => {
    if (escaped !== undefined) return `\\${escaped}`.replace(/^\\([A-Za-z0-9_%])$/, '$1');
    return found === '%' ? '.*' : found === '_' ? '.' : `\\${found}`;
  });
  return new RegExp(`^${source}$`, `s${flags}`);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refusal(message: string, code: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code, userFriendlyMessage: message } });
}

function rest(statusCode: number, error: string, message: string): ProviderAnswer {
  return { status: statusCode, body: { statusCode, error, messages: [message] } };
}
