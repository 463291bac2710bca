import { STATUS_CODES } from 'node:http';
import type { OpenAPIObject } from '@nestjs/swagger';
import { ERRORS } from '../core/errors.js';
import { applyRule, type PropertyRules } from './openapi-refiner.js';
import type { RouteAccess } from './route-access.js';

/** What the description of a route takes from its decorators, on its way through Swagger's own reading. */
export const ROUTE = 'x-posthaste-route';
export interface RouteFacts {
  access: RouteAccess;
  /** The route reads `Idempotency-Key` itself. */
  ownIdempotency: boolean;
  /** Of the classes of its parameters. */
  rules: PropertyRules;
}

type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['get']> & { [ROUTE]?: RouteFacts };
type Response = Exclude<Operation['responses'][string], undefined>;
type Responses = NonNullable<NonNullable<OpenAPIObject['components']>['responses']>;

/** Those of OpenAPI 3.1. A route that takes any method is told to Swagger with more. */
const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'options', 'head', 'trace'] as const;

const problem = (description: string): Response => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

const retryAfter = { description: 'Seconds until it is worth trying again.', schema: { type: 'integer' as const } };

/** The codes of the catalogue that have this status, as one response. */
function problemResponse(status: number): Response {
  const codes = Object.entries(ERRORS).filter(([, error]) => error.status === status);
  const response = problem(codes.map(([code, { title }]) => `\`${code}\`: ${title}.`).join(' '));
  return status === 429 ? { ...response, headers: { 'Retry-After': retryAfter } } : response;
}

/** Adds to every operation what its route's decorators say (credentials, scope, refusals), and the tags that occur. */
export function completeOperations(document: OpenAPIObject, tagDescriptions: Record<string, string>): void {
  const tags = new Set<string>();
  const responses: Responses = { Problem: problem('Any other refusal.') };
  for (const [pattern, path] of Object.entries(document.paths)) {
    const completed: PathItem = {};
    for (const method of METHODS) {
      const operation: Operation | undefined = path[method];
      if (!operation) continue;
      for (const tag of operation.tags ?? []) tags.add(tag);
      completed[method] = complete(method, operation, responses);
    }
    document.paths[pattern] = completed;
  }
  document.tags = Object.entries(tagDescriptions)
    .filter(([name]) => tags.has(name))
    .map(([name, description]) => ({ name, description }));
  document.components = { ...document.components, responses };
}

function complete(method: string, operation: Operation, problems: Responses): Operation {
  const {
    [ROUTE]: facts,
    tags,
    summary,
    description,
    operationId,
    parameters = [],
    requestBody,
    responses,
  } = operation;
  const { access, ownIdempotency, rules } = facts as RouteFacts;
  for (const [status, response] of Object.entries(responses)) {
    if (response && 'description' in response) response.description ||= STATUS_CODES[status] ?? status;
  }
  for (const status of refusalsOf(method, operation, access)) {
    problems[`Problem${status}`] ??= problemResponse(status);
    responses[status] ??= { $ref: `#/components/responses/Problem${status}` };
  }
  responses.default ??= { $ref: '#/components/responses/Problem' };
  refineQuery(operation, rules);
  const repeatable = method === 'post' && 'scope' in access && !ownIdempotency;
  return {
    tags,
    summary,
    description: [description, sentenceAbout(access)].filter(Boolean).join('\n\n') || undefined,
    operationId,
    security: securityOf(access),
    parameters: repeatable ? [...parameters, IDEMPOTENCY_KEY] : parameters,
    requestBody,
    responses,
  };
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header' as const,
  required: false,
  description: 'The same key with the same request within 24 hours gets the same answer; nothing happens twice.',
  schema: { type: 'string' as const, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
};

function refineQuery(operation: Operation, rules: PropertyRules): void {
  for (const parameter of operation.parameters ?? []) {
    if (!('in' in parameter) || parameter.in !== 'query' || !parameter.schema) continue;
    applyRule(parameter.schema as Record<string, unknown>, rules[parameter.name] ?? {});
    if ('default' in parameter.schema) parameter.required = false;
  }
}

function securityOf(access: RouteAccess): Record<string, string[]>[] {
  if (!('scope' in access)) return access.kind === 'platform' ? [{ platform: [] }] : [];
  const scopes = access.scope === null ? [] : [access.scope];
  if (access.kind === 'tenantKey') return [{ 'tenant-id': [], 'api-key': scopes }];
  return [{ bearer: scopes }, { 'api-key': scopes }];
}

function sentenceAbout(access: RouteAccess): string {
  if (!('scope' in access) || access.scope === null) return '';
  return `Needs the scope \`${access.scope}\`.`;
}

/** The statuses above 400 that its kind of operation can answer; anything rarer is the default response. */
function refusalsOf(method: string, operation: Operation, access: RouteAccess): number[] {
  const parameters = operation.parameters ?? [];
  const has = (place: string) => parameters.some((parameter) => 'in' in parameter && parameter.in === place);
  const withBody = operation.requestBody !== undefined;
  const isPublic = access.kind === 'public';
  return [
    ...(withBody ? [400, 413, 415] : []),
    // A public route that takes something in proves by what is in it who calls.
    ...(!isPublic || method !== 'get' ? [401] : []),
    ...(access.kind !== 'platform' && (!isPublic || method !== 'get') ? [429] : []),
    ...('scope' in access && access.scope !== null ? [403] : []),
    ...(has('path') ? [404] : []),
    ...(method !== 'get' && !isPublic ? [409] : []),
    ...(withBody || has('query') ? [422] : []),
  ];
}
