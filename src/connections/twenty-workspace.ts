import type { Clock } from '../core/clock.js';
import { lacking } from './ability-checks.js';
import type { ApiClient } from './api-client.js';
import { ProviderError } from './provider-error.js';
import { findStage, readObjects, selectionOf, type TwentyField, type TwentyObject } from './twenty-schema.js';

/** A record as Twenty gives it; which fields there are is up to the workspace. */
export interface TwentyRecord {
  id: string;
  createdAt?: string;
  updatedAt?: string;
  deletedAt?: string | null;
  [field: string]: unknown;
}

export interface TwentyPage<T> {
  records: T[];
  /** Give it as `after` for the next page; null on the last. */
  next: string | null;
}

/** A filter as Twenty's GraphQL takes it: `{emails: {primaryEmail: {eq: '…'}}}`, with `and`, `or`, `not`. */
export type TwentyFilter = Record<string, unknown>;

const PERMISSION = 'a role with access to people and opportunities';
const PAGE = 60;
/** A workspace's fields change when somebody edits its data model. */
const SCHEMA_FRESH_MS = 10 * 60_000;

/**
 * The records of a Twenty workspace over GraphQL. Fields and stages are those of the workspace, asked for once and remembered for ten
 * minutes; a field it does not have is neither asked for nor written.
 */
export class TwentyWorkspace {
  private schema: { objects: Promise<TwentyObject[]>; staleAtMs: number } | null = null;

  /** @param named the name an automation uses → the stage's value, for those that differ */
  constructor(
    private readonly api: ApiClient,
    private readonly clock: Clock,
    private readonly named: Readonly<Record<string, string>>,
  ) {}

  async list<T extends TwentyRecord>(
    name: string,
    query: { filter?: TwentyFilter; limit?: number; after?: string | null; order: Record<string, string> },
  ): Promise<TwentyPage<T>> {
    const object = await this.object(name);
    const type = pascal(name);
    const data = await this.graphQl<Connection<T>>(
      `query List($filter: ${type}FilterInput, $first: Int, $after: String, $orderBy: [${type}OrderByInput]) {
        result: ${object.namePlural}(filter: $filter, first: $first, after: $after, orderBy: $orderBy) {
          edges { node { ${selectionOf(object)} } } pageInfo { hasNextPage endCursor }
        }
      }`,
      {
        filter: query.filter,
        first: Math.min(query.limit ?? PAGE, PAGE),
        after: query.after ?? undefined,
        orderBy: [query.order],
      },
      { purpose: `list ${object.namePlural}`, permission: PERMISSION, repeatable: true },
    );
    const { edges, pageInfo } = data;
    return { records: edges.map(({ node }) => node), next: pageInfo.hasNextPage ? pageInfo.endCursor : null };
  }

  async find<T extends TwentyRecord>(name: string, id: string): Promise<T | null> {
    const { records } = await this.list<T>(name, {
      filter: { id: { eq: id } },
      limit: 1,
      order: { createdAt: 'DescNullsLast' },
    });
    return records[0] ?? null;
  }

  async create<T>(name: string, data: Record<string, unknown>): Promise<T> {
    const object = await this.object(name);
    const type = pascal(name);
    return this.graphQl<T>(
      `mutation Create($data: ${type}CreateInput!) { result: create${type}(data: $data) { ${selectionOf(object)} } }`,
      { data: knownOnly(object, data) },
      { purpose: `create the ${name}`, permission: PERMISSION },
    );
  }

  async update<T>(name: string, id: string, data: Record<string, unknown>): Promise<T> {
    const object = await this.object(name);
    const type = pascal(name);
    return this.graphQl<T>(
      `mutation Update($id: UUID!, $data: ${type}UpdateInput!) {
        result: update${type}(id: $id, data: $data) { ${selectionOf(object)} }
      }`,
      { id, data: knownOnly(object, data) },
      { purpose: `update the ${name}`, permission: PERMISSION, repeatable: true },
    );
  }

  /** Removes a record for good; Twenty's `delete` only hides it. */
  async destroy(name: string, id: string): Promise<void> {
    await this.graphQl(
      `mutation Destroy($id: UUID!) { result: destroy${pascal(name)}(id: $id) { id } }`,
      { id },
      { purpose: `destroy the ${name}`, permission: 'a role that may destroy records', repeatable: true },
    );
  }

  /** The stages of this workspace in their order. */
  async stages(): Promise<TwentyField['options']> {
    return (await this.object('opportunity')).fields.get('stage')?.options ?? [];
  }

  /** The workspace's own value of a stage, or null when it has none like it. */
  async findStage(name: string): Promise<string | null> {
    return findStage(await this.stages(), name, this.named);
  }

  /** @throws ProviderError invalid, with the stages there are */
  async getStage(name: string): Promise<string> {
    const stage = await this.findStage(name);
    if (stage !== null) return stage;
    const there = (await this.stages()).map(({ value }) => value).join(', ');
    throw lacking(
      `This Twenty workspace has no stage "${name}", only ${there}. Add it there, or say in settings.stages of the connection which stage stands for it.`,
    );
  }

  /** What kinds of records there are. */
  objects(): Promise<TwentyObject[]> {
    const nowMs = this.clock.now().getTime();
    if (this.schema && nowMs < this.schema.staleAtMs) return this.schema.objects;
    const objects = this.readSchema();
    const schema = { objects, staleAtMs: nowMs + SCHEMA_FRESH_MS };
    this.schema = schema;
    // What failed is asked for again by the next call.
    objects.catch(() => {
      if (this.schema === schema) this.schema = null;
    });
    return objects;
  }

  private async graphQl<T>(
    query: string,
    variables: Record<string, unknown>,
    call: { purpose: string; permission: string; repeatable?: boolean },
  ): Promise<T> {
    const json = { query: query.replace(/\s+/g, ' ').trim(), variables };
    const answer = await this.api.call({ ...call, method: 'POST', path: '/graphql', json });
    const result = answer?.data?.result;
    if (result === undefined || result === null) {
      throw new ProviderError('not_this_api', `Twenty CRM did not ${call.purpose}: its answer holds no record.`);
    }
    return result as T;
  }

  private async object(nameSingular: string): Promise<TwentyObject> {
    const object = (await this.objects()).find((one) => one.nameSingular === nameSingular);
    if (!object) throw lacking(`This Twenty workspace has no object "${nameSingular}".`);
    return object;
  }

  private async readSchema(): Promise<TwentyObject[]> {
    const objects: TwentyObject[] = [];
    for (let after: string | undefined; ; ) {
      const answer = await this.api.call({
        path: '/rest/metadata/objects',
        query: { starting_after: after, limit: 200 },
        purpose: 'say which fields its objects have',
      });
      objects.push(...readObjects(answer));
      const { hasNextPage, endCursor } = answer?.pageInfo ?? {};
      if (!hasNextPage || !endCursor || endCursor === after) return objects;
      after = endCursor;
    }
  }
}

interface Connection<T> {
  edges: { node: T }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

/** Only what the workspace has: a field that was removed or never added there must not fail the rest. */
function knownOnly(object: TwentyObject, data: Record<string, unknown>): Record<string, unknown> {
  const columns = new Set([...object.fields.values()].flatMap(({ name, joinColumn }) => [name, joinColumn ?? name]));
  return Object.fromEntries(Object.entries(data).filter(([name]) => columns.has(name)));
}

function pascal(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
