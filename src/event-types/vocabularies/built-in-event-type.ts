export type Vocabulary = 'pt-BR' | 'flowkick' | 'crm' | 'posthaste';

/** A JSON Schema 2020-12 object. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** One entry of the catalog every tenant has from the first day. */
export interface BuiltInEventType {
  /** Unique over all vocabularies: `cliente.criado`. */
  name: string;
  vocabulary: Vocabulary;
  /** One or two sentences for the developer who subscribes, in the language of the vocabulary. */
  description: string;
  /** What `data` must look like when the event is emitted. */
  schema: JsonSchema;
  /** A complete `data` object; the same one is sent by "send a sample" and shown in the catalog. */
  example: Record<string, unknown>;
  /** The envelope's `metadata` beside it, for the vocabularies that have one. */
  exampleMetadata?: Record<string, unknown>;
}

type Properties = Record<string, JsonSchema>;

/** The schema of a whole `data` object. Further properties are always allowed: a host may know more than its guide. */
export function dataSchema(required: Properties, optional: Properties = {}): JsonSchema {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...shape(required, optional) };
}

export function object(description: string, required: Properties, optional: Properties = {}): JsonSchema {
  return { description, ...shape(required, optional) };
}

export function text(description: string): JsonSchema {
  return { type: 'string', description };
}

/** The key is always there, the value may be unknown: receivers read `data.phone` without asking whether it exists. */
export function textOrNull(description: string): JsonSchema {
  return { type: ['string', 'null'], description };
}

/** RFC 3339 with a zone, as all guides print it: `2024-01-01T10:00:00Z`. */
export function time(description: string): JsonSchema {
  return { type: 'string', format: 'date-time', description };
}

export function timeOrNull(description: string): JsonSchema {
  return { type: ['string', 'null'], format: 'date-time', description };
}

/** `format: email` would refuse the accented addresses of RFC 6531, and the event with them. */
export function emailOrNull(description: string): JsonSchema {
  return { type: ['string', 'null'], pattern: '^[^\\s@]+@[^\\s@]+$', description };
}

export function flag(description: string): JsonSchema {
  return { type: 'boolean', description };
}

export function count(description: string): JsonSchema {
  return { type: 'integer', minimum: 0, description };
}

/** `{<field>: {<before>: …, <after>: …}}` with the two words of the vocabulary, for any field and any value. */
export function changesOf(description: string, before: string, after: string): JsonSchema {
  return {
    type: 'object',
    description,
    additionalProperties: {
      type: 'object',
      required: [before, after],
      properties: { [before]: {}, [after]: {} },
    },
  };
}

function shape(required: Properties, optional: Properties): JsonSchema {
  return { type: 'object', required: Object.keys(required), properties: { ...required, ...optional } };
}
