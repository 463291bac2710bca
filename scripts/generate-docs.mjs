// npm run docs [-- --check]: writes what is written from the code: .env.example, docs/configuration.md, docs/errors.md and
// docs/openapi.json. With --check it writes nothing and fails when one of them is out of date.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { configuration, DOCS_COMMAND, envExample, errorList } from './lib/documents.mjs';
import { main, StepFailed } from './lib/progress.mjs';
import { ensureBuilt, ensureInstalled, root } from './lib/project.mjs';

const built = (file) => import(pathToFileURL(path.join(root, 'build', file)).href);

await main(async () => {
  await ensureInstalled();
  await ensureBuilt();
  const { ENVIRONMENT, Config } = await built('config/env.js');
  const { ERRORS } = await built('core/errors.js');
  const variables = Object.entries(ENVIRONMENT);
  const documents = {
    '.env.example': envExample(variables),
    'docs/configuration.md': configuration(variables),
    'docs/errors.md': errorList(Object.entries(ERRORS)),
    // The version of the API, as in its paths: a release alone changes nothing in it.
    'docs/openapi.json': `${JSON.stringify(await openApi(Config.load({}, '1')), null, 2)}\n`,
  };
  const outdated = Object.keys(documents).filter((file) => read(file) !== documents[file]);
  if (process.argv.includes('--check')) {
    if (outdated.length > 0)
      throw new StepFailed(`Out of date: ${outdated.join(', ')}. Write them again: ${DOCS_COMMAND}`);
    return;
  }
  for (const file of outdated) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), documents[file]);
    console.log(file);
  }
  if (outdated.length === 0) console.log('Everything is up to date.');
});

function read(file) {
  try {
    return readFileSync(path.join(root, file), 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

/** In preview mode Nest constructs nothing: the controllers' metadata is all that is needed, and no database. */
async function openApi(config) {
  const { NestFactory } = await import('@nestjs/core');
  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  const { AppModule } = await built('app.module.js');
  const { Clock } = await built('core/clock.js');
  const { openApiDocument } = await built('http/openapi.js');
  const module = AppModule.forRoot(config, 'postgres://localhost/unused', new Clock());
  const app = await NestFactory.create(module, new FastifyAdapter(), {
    preview: true,
    logger: false,
    abortOnError: false,
  });
  return openApiDocument(app, config);
}
