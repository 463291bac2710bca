import type { Type } from '@nestjs/common';
import type { OpenAPIObject } from '@nestjs/swagger';
import { getMetadataStorage } from 'class-validator';

type Node = Record<string, unknown>;
/** What is checked of each property, beyond its type in the language, as JSON Schema. */
export type PropertyRules = Record<string, Node>;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads a class's validators: whole numbers, times, patterns. Bounds and enumerations Swagger reads itself. */
export function rulesOf(type: Type): PropertyRules {
  const rules: PropertyRules = {};
  for (const { propertyName, name, constraints, each } of getMetadataStorage().getTargetValidationMetadatas(
    type,
    '',
    false,
    false,
  )) {
    const rule = inJsonSchema(name, constraints);
    if (rule) rules[propertyName] = { ...rules[propertyName], ...(each ? { items: rule } : rule) };
  }
  return rules;
}

function inJsonSchema(validator: string | undefined, constraints: unknown[]): Node | null {
  if (validator === 'isInt') return { type: 'integer' };
  if (validator === 'isIso8601') return { format: 'date-time' };
  if (validator === 'matches' && constraints[0] instanceof RegExp) return { pattern: constraints[0].source };
  return null;
}

/** The schema with the rule added; a type that may also be null stays so. */
export function applyRule(schema: Node, rule: Node): void {
  for (const [keyword, value] of Object.entries(rule)) {
    const present = schema[keyword];
    if (keyword === 'items' && isNode(present) && isNode(value)) applyRule(present, value);
    else if (keyword === 'type' && Array.isArray(present))
      schema.type = [value, ...present.filter((one) => one === 'null')];
    else schema[keyword] = value;
  }
}

/** Makes the schemas, which go by the names of classes, say what is really checked; leaves out what changes from build to build. */
export function refineSchemas(document: OpenAPIObject): void {
  const schemas = (document.components?.schemas ?? {}) as Record<string, Node>;
  for (const type of validatedClasses()) {
    const properties = schemas[type.name]?.properties;
    if (!isNode(properties)) continue;
    // validation.pipe refuses what is not named.
    (schemas[type.name] as Node).additionalProperties = false;
    for (const [name, rule] of Object.entries(rulesOf(type))) {
      const property = properties[name];
      if (isNode(property)) applyRule(property, rule);
    }
  }
  visit(document, tidy);
  for (const path of Object.values(document.paths)) {
    for (const parameter of path.get?.parameters ?? []) {
      // `customField[name]=value`, as core/query-string reads it.
      if (
        'in' in parameter &&
        parameter.in === 'query' &&
        isNode(parameter.schema) &&
        parameter.schema.type === 'object'
      )
        Object.assign(parameter, { style: 'deepObject', explode: true });
    }
    for (const operation of [path.post, path.put, path.patch]) {
      const body = operation?.requestBody;
      if (!body || !('content' in body)) continue;
      const schema = body.content['application/json']?.schema;
      const named = schema && '$ref' in schema ? schemas[schema.$ref.split('/').at(-1) as string] : undefined;
      // Nothing in it is required: it may be left out.
      if (named && !('required' in named)) body.required = false;
    }
  }
}

/** The storage keeps them by class and has no way of its own to list them. */
function validatedClasses(): Iterable<Type> {
  return (getMetadataStorage() as unknown as { validationMetadatas: Map<Type, unknown> }).validationMetadatas.keys();
}

function tidy(node: Node): void {
  // Swagger's own note to itself.
  delete node.selfRequired;
  // `unknown`: a Record has additionalProperties, a class its properties.
  if (node.type === 'object' && !node.properties && !node.additionalProperties) delete node.type;
  // The compiler gives the members of a union in an order of its own.
  if (Array.isArray(node.enum)) node.enum.sort((a, b) => Number(a === null) - Number(b === null) || (a < b ? -1 : 1));
  if (Array.isArray(node.required) && isNode(node.properties)) {
    const { properties } = node;
    const required = node.required.filter((name) => !isNode(properties[name]) || !('default' in properties[name]));
    if (required.length > 0) node.required = required;
    else delete node.required;
  }
}

function visit(value: unknown, change: (node: Node) => void): void {
  if (Array.isArray(value)) for (const entry of value) visit(entry, change);
  if (!isNode(value)) return;
  change(value);
  for (const entry of Object.values(value)) visit(entry, change);
}

const byName = <T>(entries: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Paths, schemas and responses by name, whatever the order in which modules were loaded. */
export function sorted(document: OpenAPIObject): OpenAPIObject {
  const { openapi, info, servers, tags, paths, components } = document;
  const parts = Object.entries(components ?? {}).map(([name, part]) => [name, byName(part)]);
  return { openapi, info, servers, tags, paths: byName(paths), components: Object.fromEntries(parts.sort()) };
}
