// npm run generate: the Prisma client, from prisma/schema.prisma into src/generated/prisma.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const prismaPackage = createRequire(import.meta.url).resolve('prisma/package.json');
const { status } = spawnSync(process.execPath, [path.join(path.dirname(prismaPackage), 'build/index.js'), 'generate'], {
  cwd: root,
  stdio: 'inherit',
  // Generating needs no schema engine, but the CLI downloads one unless this names some file that exists.
  env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1' },
});
process.exitCode = status ?? 1;
