import { Injectable } from '@nestjs/common';
import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { FieldError } from '../core/errors.js';
import { linearPattern } from './linear-pattern.js';
import { describeSchemaErrors } from './schema-error-wording.js';
import { FORMATS, inspectSchema } from './schema-inspector.js';
import type { JsonSchema } from './vocabularies/built-in-event-type.js';

const MAX_CACHED_SCHEMAS = 500;
/** Collecting every error of a large document could take more memory than the document many times over. */
const MAX_VALUES_EXPLAINED = 200;

type PatternEngine = { (source: string): { test(text: string): boolean }; code: string };
const linear: PatternEngine = Object.assign((source: string) => linearPattern(source), { code: 'linearPattern' });
/** For patterns of ours. */
export const backtracking: PatternEngine = Object.assign((source: string) => new RegExp(source, 'u'), {
  code: 'backtracking',
});

interface CompiledSchema {
  /** Stops at the first error: what almost every event needs, since almost every event is valid. */
  fits: ValidateFunction;
  /** Collects all errors; compiled when first needed. */
  explains?: ValidateFunction;
}

/** Checks event data against the JSON Schema (2020-12) of its event type, and the schemas themselves when they are registered. */
@Injectable()
export class SchemaValidator {
  private readonly compiled = new Map<string, CompiledSchema>();

  /** What is wrong with a schema, with pointers into it; empty when it can be used. See `inspectSchema` for the rules. */
  checkSchema(schema: unknown): FieldError[] {
    const problems = inspectSchema(schema);
    if (problems.length > 0) return problems;
    try {
      compile(schema as JsonSchema, false);
      return [];
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return [{ pointer: '', detail: `The schema cannot be used: ${reason}` }];
    }
  }

  /**
   * What is wrong with `data`, with pointers into it (`/user/email`; empty pointer for `data` itself); empty when it fits.
   * All problems (at most 50) for data of up to 200 values, the first one for larger data.
   *
   * @param cacheKey stands for this schema and no other, across tenants and versions; null compiles and forgets.
   * @param schema one that `checkSchema` takes; throws for others.
   * @param patterns what runs the schema's patterns. Those that no tenant wrote may take JavaScript's own engine, ten times as fast.
   */
  validate(cacheKey: string | null, schema: JsonSchema, data: unknown, patterns = linear): FieldError[] {
    const compiled: CompiledSchema =
      cacheKey === null ? { fits: compile(schema, false, patterns) } : this.compiledOf(cacheKey, schema, patterns);
    try {
      if (compiled.fits(data)) return [];
      if (!hasMoreValuesThan(data, MAX_VALUES_EXPLAINED)) {
        compiled.explains ??= compile(schema, true, patterns);
        compiled.explains(data);
        return describeSchemaErrors(compiled.explains.errors ?? []);
      }
      return describeSchemaErrors(compiled.fits.errors ?? []);
    } catch (error) {
      if (error instanceof RangeError) return [{ pointer: '', detail: 'is nested too deeply to be checked' }];
      throw error;
    }
  }

  private compiledOf(cacheKey: string, schema: JsonSchema, patterns: PatternEngine): CompiledSchema {
    const known = this.compiled.get(cacheKey);
    // A Map keeps the order of insertion: taken out and put back, the first key is the one used longest ago.
    if (known) this.compiled.delete(cacheKey);
    const compiled = known ?? { fits: compile(schema, false, patterns) };
    this.compiled.set(cacheKey, compiled);
    if (this.compiled.size > MAX_CACHED_SCHEMAS) {
      const oldest = this.compiled.keys().next();
      if (!oldest.done) this.compiled.delete(oldest.value);
    }
    return compiled;
  }
}

/**
 * One ajv for each schema: a shared one remembers what it compiled (a leak), and every `$id` and `$anchor` in it, so that the schemas
 * of two tenants could meet. Its own strict mode is off because `inspectSchema` has refused unknown keywords already, with pointers.
 */
function compile(schema: JsonSchema, allErrors: boolean, patterns: PatternEngine = linear): ValidateFunction {
  const ajv = new Ajv2020({
    allErrors,
    verbose: true,
    strict: false,
    meta: false,
    validateSchema: false,
    logger: false,
    formats: FORMATS,
    code: { regExp: patterns },
  });
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (wanted: boolean, items: unknown[]) => !wanted || new Set(items.map(canonical)).size === items.length,
  });
  const { $id: _, ...withoutId } = schema;
  return ajv.compile(withoutId);
}

/** Equal values, equal text. ajv compares every item with every other, which takes minutes for 100,000 small objects. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, held: unknown) =>
    typeof held === 'object' && held !== null && !Array.isArray(held)
      ? Object.fromEntries(Object.entries(held).sort(([a], [b]) => (a < b ? -1 : 1)))
      : held,
  );
}

function hasMoreValuesThan(data: unknown, limit: number): boolean {
  const waiting: unknown[] = [data];
  let seen = 0;
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (++seen > limit) return true;
    if (typeof value === 'object' && value !== null) {
      for (const held of Object.values(value)) waiting.push(held);
    }
  }
  return false;
}
