import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';

// Prisma's schema engine compiled to WebAssembly: it compares two schemas without a database and without
// the native engine, which the Prisma CLI would have to download.
async function loadSchemaEngine() {
  const bindings = await import('@prisma/schema-engine-wasm/schema_engine_bg');
  const folder = path.dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'));
  const wasm = await readFile(path.join(folder, 'schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(wasm, { './schema_engine_bg.js': bindings });
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start?.();
  return bindings.SchemaEngine;
}

const ok = (value) => ({ ok: true, value });

// The engine asks its adapter once for the server's version before it compares; nothing else reaches it.
const offlineAdapter = {
  provider: 'postgres',
  adapterName: 'offline',
  connect: async () =>
    ok({
      provider: 'postgres',
      adapterName: 'offline',
      queryRaw: async () =>
        ok({
          columnNames: ['namespace_exists', 'version', 'numeric_version'],
          columnTypes: [5, 7, 0],
          rows: [[true, 'PostgreSQL 16.0', 160000]],
        }),
      executeRaw: async () => ({ ok: false }),
      executeScript: async () => ok(undefined),
      dispose: async () => ok(undefined),
      getConnectionInfo: () => ok({ schemaName: 'public', supportsRelationJoins: true }),
    }),
  connectToShadowDb: async () => ({ ok: false }),
};

const target = (schema) =>
  schema.trim() === ''
    ? { tag: 'empty' }
    : { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content: schema }] };

/**
 * The SQL that leads from one Prisma schema text to another; '' when there is nothing to do.
 * An empty `from` gives the whole CREATE script.
 * @param {string} from
 * @param {string} to
 * @returns {Promise<string>}
 */
export async function schemaDiff(from, to) {
  const SchemaEngine = await loadSchemaEngine();
  const engine = await SchemaEngine.new({ datamodels: undefined }, () => {}, offlineAdapter);
  const result = await engine.diff({
    from: target(from),
    to: target(to),
    script: true,
    exitCode: true,
    shadowDatabaseUrl: null,
    filters: { externalTables: [], externalEnums: [] },
  });
  const somethingToDo = 2;
  return result.exitCode === somethingToDo ? (result.stdout ?? '') : '';
}
